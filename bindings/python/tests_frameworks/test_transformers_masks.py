# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Mask functions of transformers become rules that hide the same cells."""
import itertools
import random
import warnings

import numpy as np
import pytest
import torch
from transformers import masking_utils as mu
from transformers.models.gemma3 import modeling_gemma3 as gemma3
from transformers.models.gemma4 import modeling_gemma4 as gemma4
from transformers.models.moonshine_streaming import modeling_moonshine_streaming as moonshine
from transformers.models.t5gemma2 import modeling_t5gemma2 as t5gemma2

import tileskip
import tileskip.transformers as tt
from target import DEVICE
from tileskip import _transformers_mask


def cells(mask):
    """The mask as [B, q, k] bool: the map with tiles of one cell."""
    assert isinstance(mask, tt.RuleMask)
    batch, _, q_len, k_len = mask.shape
    tiles = mask.tile_map((1, 1))
    if tiles is None:
        return np.ones((batch, q_len, k_len), bool)
    return np.broadcast_to(tiles.numpy() != 0, (batch, q_len, k_len))


def compare(function, q_len, k_len, *, batch=2, tensor=False, **arguments):
    """`tensor`: whether a tensor of q_len × k_len cells is expected."""
    asked = dict(
        batch_size=batch, q_length=q_len, kv_length=k_len, mask_function=function, device=DEVICE,
        **arguments,
    )
    expected = mu.sdpa_mask(**asked, allow_is_causal_skip=False)[:, 0].cpu().numpy()
    made = tt.make_mask(**asked)
    assert (cells(made) == expected).all()
    assert (made.cells is not None and made.cells.shape[2] == q_len > 1) == tensor, made
    return made


@pytest.fixture(autouse=True)
def warnings_are_errors():
    _transformers_mask.warn_once.cache_clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


ZERO = torch.zeros(2, dtype=torch.int)
SHIFT = torch.tensor([3, 0])
BLOCKS = torch.tensor([[-1, 0, 0, 0, -1, 1, 1, 1, 1, -1] + [-1] * 20, [-1] * 20 + [4] * 10])
WHOLE = mu.bidirectional_mask_function
FUNCTIONS = {
    "causal": mu.causal_mask_function,
    "everything": WHOLE,
    "window": mu.sliding_window_causal_mask_function(5),
    "past window alone": mu.sliding_window_overlay(5),
    "both sides": mu.sliding_window_bidirectional_mask_function(4),
    "chunk": mu.chunked_causal_mask_function(8, ZERO),
    "chunk after left padding": mu.chunked_causal_mask_function(8, SHIFT),
    "chunk to both sides": mu.chunked_overlay(8, SHIFT),
    "chunk and window": mu.and_masks(
        mu.chunked_causal_mask_function(8, SHIFT), mu.sliding_window_overlay(4)
    ),
    "images in a window": mu.and_masks(
        mu.or_masks(mu.causal_mask_function, mu.blockwise_overlay(BLOCKS)),
        mu.sliding_window_overlay(3),
    ),
    "images, no window": mu.or_masks(mu.causal_mask_function, mu.blockwise_overlay(BLOCKS)),
    "spans beyond a window": mu.or_masks(
        mu.sliding_window_causal_mask_function(3), mu.blockwise_overlay(BLOCKS)
    ),
    "spans beyond chunks": mu.or_masks(
        mu.chunked_causal_mask_function(4, ZERO), mu.blockwise_overlay(BLOCKS)
    ),
    "images in chunks": mu.and_masks(
        mu.or_masks(mu.causal_mask_function, mu.blockwise_overlay(BLOCKS)),
        mu.chunked_overlay(7, SHIFT),
    ),
    "gemma 3 both sides": mu.or_masks(
        mu.sliding_window_causal_mask_function(6), gemma3._bidirectional_window_overlay(6)
    ),
    "gemma 4 audio": mu.and_masks(WHOLE, gemma4.sliding_window_mask_function((4, 4))),
    "moonshine": mu.and_masks(WHOLE, moonshine.sliding_window_mask_function((3, 6))),
    "moonshine, past": mu.and_masks(WHOLE, moonshine.sliding_window_mask_function((3, 0))),
    "t5gemma 2": mu.and_masks(WHOLE, t5gemma2.sliding_window_mask_function(7, is_causal=False)),
    "t5gemma 2, past": mu.and_masks(WHOLE, t5gemma2.sliding_window_mask_function(7)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(name):
    function = FUNCTIONS[name]
    compare(function, 30, 30)
    compare(function, 13, 30, q_offset=17)
    compare(function, 1, 30, q_offset=29)
    compare(function, 5, 12, q_offset=20, kv_offset=13)
    compare(function, 6, 30, q_offset=2)  # a static cache, not yet full
    compare(function, 20, 30)


def test_what_hides_nothing_is_left_out():
    assert compare(mu.sliding_window_causal_mask_function(64), 30, 30).rules == "causal"
    assert compare(mu.sliding_window_causal_mask_function(30), 1, 30, q_offset=29).rules == ""
    assert compare(mu.chunked_causal_mask_function(16, ZERO), 3, 6, q_offset=27, kv_offset=24).rules == "causal"
    alone = torch.tensor([[-1, 0, -1, 1], [-1] * 4])
    assert compare(mu.or_masks(mu.causal_mask_function, mu.blockwise_overlay(alone)), 4, 4).rules == "causal"


PADDINGS = {
    "left": [[0] * 7 + [1] * 23, [1] * 30],
    "right": [[1] * 30, [1] * 11 + [0] * 19],
    "both": [[0] * 3 + [1] * 9 + [0] * 18, [0] * 29 + [1]],
    "none": [[1] * 30] * 2,
    "shorter than the cache": [[0] * 2 + [1] * 20, [1] * 22],
    "with holes": [[1] * 9 + [0] * 5 + [1] * 16, [0] * 5 + [1] * 25],
    "an entry without keys": [[0] * 30, [1] * 30],
}


@pytest.mark.parametrize("name", PADDINGS)
def test_padding(name):
    padding = torch.tensor(PADDINGS[name], dtype=torch.bool)
    for function in FUNCTIONS.values():
        made = compare(function, 30, 30, attention_mask=padding)
        if name in ("left", "right", "both", "none"):
            assert made.cells is None
        compare(function, 5, 12, q_offset=20, kv_offset=13, attention_mask=padding)
    compare(mu.causal_mask_function, 4, 40, q_offset=18, attention_mask=padding)
    inside = mu.and_masks(mu.causal_mask_function, mu.padding_mask_function(torch.nn.functional.pad(padding, (0, 8))))
    compare(inside, 20, 20)


def packed(lengths, function):
    positions = torch.cat([torch.arange(n) for n in lengths])[None].expand(2, -1)
    ids = mu.find_packed_sequence_indices(positions)
    remapped = mu.remap_positions_for_packed_sequence(function, positions)
    return mu.and_masks(remapped, mu.packed_sequence_mask_function(ids))


@pytest.mark.skipif(
    not hasattr(mu, "remap_positions_for_packed_sequence"), reason="this transformers packs otherwise"
)
def test_packed_sequences():
    for base in (mu.causal_mask_function, FUNCTIONS["window"], FUNCTIONS["chunk"], FUNCTIONS["both sides"]):
        made = compare(packed((11, 2, 17), base), 30, 30)
        assert "segments=" in made.rules
    positions = torch.cat([torch.arange(n) for n in (11, 2, 17)])[None].expand(2, -1)
    ids = mu.find_packed_sequence_indices(positions)
    images = mu.or_masks(
        mu.remap_positions_for_packed_sequence(mu.causal_mask_function, positions), mu.blockwise_overlay(BLOCKS)
    )
    compare(mu.and_masks(images, mu.packed_sequence_mask_function(ids)), 30, 30)
    different = torch.tensor([[0] * 10 + [1] * 20, [0] * 30])
    compare(mu.and_masks(mu.bidirectional_mask_function, mu.packed_sequence_mask_function(different)), 30, 30)


def test_random_compositions():
    """Whatever is put together: rules that are right, or a tensor."""
    draw = random.Random(0)
    in_rules = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(400):
            function = draw.choice(list(FUNCTIONS.values()))
            for _ in range(draw.randint(1, 2)):
                join = draw.choice((mu.and_masks, mu.or_masks))
                pair = [function, draw.choice(list(FUNCTIONS.values()))]
                draw.shuffle(pair)
                function = join(*pair)
            q_len, k_offset = draw.choice([(30, 0), (9, 0), (7, 10)])
            asked = dict(
                batch_size=2, q_length=q_len, kv_length=30 - k_offset, q_offset=30 - q_len,
                kv_offset=k_offset, mask_function=function, device=DEVICE,
            )
            made = tt.make_mask(**asked)
            assert (cells(made) == mu.sdpa_mask(**asked, allow_is_causal_skip=False)[:, 0].cpu().numpy()).all()
            in_rules += made.cells is None
    assert 100 < in_rules < 400


UNKNOWN = {
    "a function of the user's": lambda b, h, q, k: (q + k) % 3 != 0,
    "a block in two places": mu.or_masks(
        mu.causal_mask_function, mu.blockwise_overlay(torch.tensor([[0, 0, 1, 1, 0, 0] + [-1] * 24]).expand(2, -1))
    ),
    "more future than past": mu.and_masks(WHOLE, moonshine.sliding_window_mask_function((6, 3))),
    "blocks alone": mu.blockwise_overlay(BLOCKS),
    "a sequence in two places": mu.packed_sequence_mask_function(torch.tensor([[0] * 10 + [1] * 10 + [0] * 10] * 2)),
}
if hasattr(mu, "remap_positions_for_packed_sequence"):
    UNKNOWN["positions that jump"] = mu.remap_positions_for_packed_sequence(
        mu.causal_mask_function, torch.arange(30).flip(0)[None].expand(2, -1)
    )


@pytest.mark.parametrize("name", UNKNOWN)
def test_unknown_functions_fall_back_with_one_warning(name):
    with pytest.warns(UserWarning, match="no rules for the mask function") as caught:
        for _ in range(3):
            compare(UNKNOWN[name], 30, 30, tensor=True)
    assert len(caught) == 1


def test_a_name_is_not_enough():
    """A function that only looks like transformers' is not taken for it."""

    def sliding_window_overlay(size):
        def inner_mask(batch_idx, head_idx, q_idx, kv_idx):
            return kv_idx > q_idx - 2 * size

        return inner_mask

    with pytest.warns(UserWarning, match="no rules"):
        compare(sliding_window_overlay(4), 20, 20, tensor=True)


def test_a_mask_behaves_like_its_tensor():
    function, padding = FUNCTIONS["images in a window"], torch.tensor(PADDINGS["with holes"], dtype=torch.bool)
    mask = compare(function, 30, 30, attention_mask=padding)
    dense = mask.dense()
    assert mask.dtype == torch.bool and mask.shape == dense.shape and mask.ndim == 4
    for rows in (slice(-1, None), slice(5, 20), slice(None), slice(-8, -2)):
        cut = mask[:, :, rows, :]
        assert (cells(cut) == dense[:, :, rows][:, 0].cpu().numpy()).all()
        assert (cells(cut[..., -1:, :]) == dense[:, :, rows][:, 0, -1:].cpu().numpy()).all()
    for same in (mask.to(DEVICE), mask.detach(), mask.contiguous(), mask[..., :30], mask.to(torch.bool), mask.clone()):
        assert isinstance(same, tt.RuleMask) and (cells(same) == cells(mask)).all()
        assert same.tile_map((32, 16)) is mask.tile_map((32, 16))  # maps are shared too
    assert "images=" in repr(mask)
    with pytest.warns(UserWarning, match="needs the mask as a tensor"):
        assert torch.equal(mask & True, dense)
    _transformers_mask.warn_once.cache_clear()
    with pytest.warns(UserWarning, match="needs the mask as a tensor"):
        assert torch.equal(mask[..., 3:], dense[..., 3:])


def test_layers_share_a_map(monkeypatch):
    built = []
    build = tileskip.TileMap._build.__func__
    monkeypatch.setattr(
        tileskip.TileMap, "_build", classmethod(lambda cls, *a: built.append(a) or build(cls, *a))
    )
    mask = compare(mu.causal_mask_function, 30, 30)
    built.clear()
    for tile, heads in itertools.product(((32, 16), (32, 64)), (1, 2, 3)):
        assert mask.tile_map(tile) is mask.tile_map(tile)
    assert len(built) == 2
