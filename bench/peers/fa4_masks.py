# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Masks as functions that FlashAttention-4 compiles, with its own map of blocks. Needs its packages."""
import cutlass
import cutlass.cute as cute
from flash_attn.cute import flash_attn_func, utils
from flash_attn.cute.compute_block_sparsity import compute_block_sparsity

INT = cutlass.Int32


def image_function(window):
    """Causal or in the same image, within the window; aux[0] tells the image of a position."""

    @cute.jit
    def visible(b, h, q, k, s, aux):
        image = aux[0]
        of_q = utils.scalar_to_ssa(image[q[0]], INT)
        of_k = utils.scalar_to_ssa(image[k[0]], INT)
        none = utils.scalar_to_ssa(0, INT)
        reach = utils.scalar_to_ssa(window, INT)
        return ((k <= q) | ((of_q == of_k) & (of_q >= none))) & (q - k < reach)

    return visible


@cute.jit
def tensor_function(b, h, q, k, s, aux):
    """aux[0] is the mask itself, an int a cell."""
    one = utils.scalar_to_ssa(1, INT)
    return utils.scalar_to_ssa(INT(aux[0][q[0], k[0]]), INT) == one


class Masked:
    """run() computes attention under a function, its map of blocks made before; map() makes it."""

    def __init__(self, q, k, v, function, aux, tile):
        length_q, length_k = q.shape[1], k.shape[1]
        self.arguments = (*tile, 1, 1, length_q, length_k, function, aux, q.device)
        self.call = lambda blocks: flash_attn_func(
            q, k, v, mask_mod=function, aux_tensors=aux, block_sparse_tensors=blocks)
        self.blocks = self.map()

    def map(self):
        made = compute_block_sparsity(*self.arguments)
        plain = isinstance(made, tuple) and not hasattr(made, "mask_block_cnt")
        return made[1] if plain else made

    def run(self):
        return self.call(self.blocks)
