# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""``mlx.core.fast.scaled_dot_product_attention`` with tileskip behind it.

Takes MLX arrays (on the CPU) and NumPy arrays; same signature, same meaning.
"""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from ._attention import attention

__all__ = ["scaled_dot_product_attention"]


def _widen(mask: Any, q_len: int, k_len: int) -> Any:
    """A mask of any rank that broadcasts to [B, H, Lq, Lk] as one of rank 4."""
    shape = tuple(mask.shape)
    if len(shape) > 4:
        raise ValueError(f"mask has rank {len(shape)}, expected at most 4")
    mask = mask.reshape((1,) * (4 - len(shape)) + shape)
    if mask.shape[3] == k_len:
        return mask
    if mask.shape[3] != 1:
        raise ValueError(f"mask has {mask.shape[3]} keys, expected {k_len} or 1")
    return np.ascontiguousarray(np.broadcast_to(np.asarray(mask), mask.shape[:3] + (k_len,)))


def scaled_dot_product_attention(
    q: Any,
    k: Any,
    v: Any,
    *,
    scale: float,
    mask: Any = None,
    sinks: Optional[Any] = None,
) -> Any:
    """softmax(scale · q kᵀ + mask) v over [B, H, L, D].

    Args:
        q, k, v: [B, H, Lq, D], [B, Hkv, Lk, D], [B, Hkv, Lk, Dv]; Hkv divides H.
        scale: usually 1/sqrt(D).
        mask: None, "causal" (the last query sees the last key), or an array that broadcasts to
            [B, H, Lq, Lk]: bool (True attends) or additive.
        sinks: [H], float32.

    Raises:
        ValueError, TypeError: with the argument, its value and what was expected.
    """
    if isinstance(mask, str):
        if mask != "causal":
            raise ValueError(f'mask is {mask!r}, expected "causal", an array or None')
        return attention(q, k, v, rules="causal", q_offset="end", scale=scale, sinks=sinks)
    if mask is not None:
        mask = _widen(mask, q.shape[2], k.shape[2])
    return attention(q, k, v, mask=mask, scale=scale, sinks=sinks)
