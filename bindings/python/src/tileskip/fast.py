# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""``mlx.core.fast.scaled_dot_product_attention`` with tileskip behind it.

Takes MLX arrays and NumPy arrays; same signature, same meaning. It computes at once, where MLX would
wait until the result is asked for, so it cannot stand inside ``mx.compile`` or ``mx.grad``.
"""

from __future__ import annotations

import sys
from typing import Any, Optional, Tuple

import numpy as np

from ._attention import attention
from ._frameworks import framework_of, view

__all__ = ["scaled_dot_product_attention"]


def _namespace(array: Any) -> Any:
    """mlx.core or numpy: the functions used here have the same names in both."""
    return np if isinstance(array, np.ndarray) else sys.modules.get("mlx.core", np)


def _promoted(q: Any, k: Any, v: Any) -> Tuple[Any, Any, Any]:
    """All three in the type that they promote to."""
    if q.dtype == k.dtype == v.dtype:
        return q, k, v
    kind = _namespace(q).result_type(q, k, v)
    return q.astype(kind), k.astype(kind), v.astype(kind)


def _widen(mask: Any, k_len: int) -> Any:
    """A mask of any rank that broadcasts to [B, H, Lq, Lk] as one of rank 4."""
    shape = tuple(mask.shape)
    if len(shape) > 4:
        raise ValueError(f"mask has rank {len(shape)}, expected at most 4")
    space = _namespace(mask)
    if space.issubdtype(mask.dtype, space.integer):
        mask = mask.astype(space.float32)
    mask = mask.reshape((1,) * (4 - len(shape)) + shape)
    if mask.shape[3] == k_len:
        return mask
    if mask.shape[3] != 1:
        raise ValueError(f"mask has {mask.shape[3]} keys, expected {k_len} or 1")
    return space.broadcast_to(mask, tuple(mask.shape[:3]) + (k_len,))


def _zeros(q: Any, d_v: int) -> Any:
    maker, dtype = framework_of(q, "q"), view(q, "q").dtype
    made = maker.empty(q, tuple(q.shape[:3]) + (d_v,), dtype)
    made[...] = 0
    return maker.finish(made, dtype)


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
        q, k, v: [B, H, Lq, D], [B, Hkv, Lk, D], [B, Hkv, Lk, Dv]; Hkv divides H. Types that differ
            are promoted.
        scale: usually 1/sqrt(D).
        mask: None, "causal" (the last query sees the last key), or an array that broadcasts to
            [B, H, Lq, Lk]: bool (True attends) or additive.
        sinks: [H], one extra logit a head.

    A row that sees no key is 0 (MLX gives the mean of v).

    Raises:
        ValueError, TypeError: with the argument, its value and what was expected.
    """
    for name, array in (("q", q), ("k", k), ("v", v)):
        framework_of(array, name)
        if len(array.shape) != 4:
            raise ValueError(f"{name} has shape {tuple(array.shape)}, expected 4 dimensions")
    q, k, v = _promoted(q, k, v)
    q_len, k_len = q.shape[2], k.shape[2]
    if k_len == 0 or 0 in q.shape[:3]:
        return _zeros(q, v.shape[3])
    rules, offset = None, 0
    if isinstance(mask, str):
        if mask != "causal":
            raise ValueError(f'mask is {mask!r}, expected "causal", an array or None')
        if q_len <= k_len:
            mask, rules, offset = None, "causal", k_len - q_len
        else:  # the first rows stand before the first key, which rules have no words for
            mask = np.tri(q_len, k_len, k_len - q_len, dtype=bool)
    if mask is not None:
        framework_of(mask, "mask")
        mask = _widen(mask, k_len)
    if sinks is not None:
        framework_of(sinks, "sinks")
        sinks = sinks.astype(_namespace(sinks).float32)
    if scale == 0:  # which is "the usual one" to the library
        q, scale = q * 0, 1.0
    return attention(q, k, v, mask=mask, rules=rules, q_offset=offset, scale=scale, sinks=sinks)
