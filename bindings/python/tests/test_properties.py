# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Random shapes, strides, types and masks against the definition in double."""

import numpy as np
from hypothesis import given, settings, strategies as st
from ml_dtypes import bfloat16

import reference as r
import tileskip as t

SIZES = st.integers(1, 70)


@st.composite
def problems(draw):
    dtype = draw(st.sampled_from([np.float32, np.float16, bfloat16]))
    kv_heads, group = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return {
        "dtype": dtype,
        "batch": draw(st.integers(1, 2)),
        "kv_heads": kv_heads,
        "heads": kv_heads * group,
        "q_len": draw(SIZES),
        "k_len": draw(SIZES),
        "dim": draw(st.sampled_from([1, 8, 33, 64])),
        "dim_v": draw(st.sampled_from([1, 8, 33, 64])),
        "order": draw(st.permutations([0, 1, 2])),
        "reverse": draw(st.booleans()),
        "mask": draw(st.sampled_from([None, "bool", "f32", "f16", "bf16"])),
        "mask_planes": draw(st.tuples(st.booleans(), st.booleans(), st.booleans())),
        "seed": draw(st.integers(0, 2**32)),
    }


def strided(rng, shape, order, reverse, dtype):
    """An array whose memory runs in another order than its axes, and perhaps backwards."""
    a = rng.standard_normal([shape[i] for i in order] + [shape[3]]).astype(dtype)
    a = a.transpose([list(order).index(i) for i in range(3)] + [3])
    return a[:, :, ::-1] if reverse else a


def make_mask(rng, p):
    shape = [
        n if use else 1
        for n, use in zip((p["batch"], p["heads"], p["q_len"]), p["mask_planes"])
    ] + [p["k_len"]]
    seen = rng.random(shape) < 0.6
    if p["mask"] == "bool":
        return seen
    kind = {"f32": np.float32, "f16": np.float16, "bf16": bfloat16}[p["mask"]]
    return np.where(seen, rng.standard_normal(shape), -np.inf).astype(kind)


@settings(max_examples=500, deadline=None)
@given(problems())
def test_attention(p) -> None:
    rng = np.random.default_rng(p["seed"])
    q = strided(rng, (p["batch"], p["heads"], p["q_len"], p["dim"]), p["order"], p["reverse"], p["dtype"])
    k = strided(rng, (p["batch"], p["kv_heads"], p["k_len"], p["dim"]), p["order"], False, p["dtype"])
    v = strided(rng, (p["batch"], p["kv_heads"], p["k_len"], p["dim_v"]), p["order"], False, p["dtype"])
    mask = make_mask(rng, p) if p["mask"] else None
    expected, lse = r.attention(q, k, v, None if mask is None else r.additive(mask))
    out, got = t.attention(q, k, v, mask=mask, return_lse=True)
    size = max(1.0, float(np.abs(expected).max()))
    assert np.abs(out.astype(np.float64) - expected).max() < r.tolerance(p["dtype"]) * size
    finite = np.isfinite(lse)
    assert np.array_equal(finite, np.isfinite(got))
    if finite.any():
        assert np.abs(got[finite] - lse[finite]).max() < 3e-5 * max(1.0, np.abs(lse[finite]).max())
    assert np.array_equal(
        out.view(np.uint8), t.attention(q, k, v, mask=mask, skip=False).view(np.uint8)
    )
