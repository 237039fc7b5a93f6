# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Attention in double precision, cell by cell from the definition."""

from __future__ import annotations

from typing import Any, Optional, Tuple

import numpy as np


def causal_window(q_len: int, k_len: int, window: int = 0, q_offset: int = 0) -> np.ndarray:
    """Visible cells of ``causal[,window=W]`` as bool [q_len, k_len]."""
    p = np.arange(q_len)[:, None] + q_offset
    x = np.arange(k_len)[None, :]
    seen = x <= p
    return seen & (p - x < window) if window else seen


def additive(mask: np.ndarray) -> np.ndarray:
    """A mask array as a double bias, -inf where masked."""
    if mask.dtype == np.bool_ or mask.dtype == np.uint8:
        return np.where(mask, 0.0, -np.inf)
    bias = mask.astype(np.float64)
    lowest = -65504.0 if mask.dtype == np.float16 else -1e30
    return np.where(bias <= lowest, -np.inf, bias)


def attention(
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    bias: Optional[np.ndarray] = None,
    scale: Optional[float] = None,
    softcap: float = 0.0,
    sinks: Optional[np.ndarray] = None,
) -> Tuple[np.ndarray, np.ndarray]:
    """(output, log-sum-exp) of [B, H, L, D] arrays."""
    q, k, v = (np.asarray(a).astype(np.float64) for a in (q, k, v))
    group = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, group, 1), np.repeat(v, group, 1)
    scores = (q @ k.swapaxes(2, 3)) * (q.shape[3] ** -0.5 if scale is None else scale)
    if softcap:
        scores = softcap * np.tanh(scores / softcap)
    if bias is not None:
        scores = scores + bias
    top = scores.max(-1, keepdims=True)
    if sinks is not None:
        top = np.maximum(top, sinks.astype(np.float64)[None, :, None, None])
    safe = np.where(np.isfinite(top), top, 0.0)
    p = np.exp(scores - safe)
    total = p.sum(-1, keepdims=True)
    if sinks is not None:
        total = total + np.exp(sinks.astype(np.float64)[None, :, None, None] - safe)
    with np.errstate(divide="ignore", invalid="ignore"):
        out = np.where(total > 0, (p @ v) / total, 0.0)
        lse = np.where(total > 0, np.log(total) + safe, -np.inf)
    return out, lse[..., 0]


def tolerance(dtype: Any) -> float:
    """Worst element's distance that inputs and outputs of a type allow, values of about 1."""
    name = dtype if isinstance(dtype, str) else np.dtype(dtype).name
    return {"float32": 4e-6, "float16": 4e-3, "bfloat16": 3e-2}[name]
