# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Random shapes, strides, types and masks against the definition in double."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from ml_dtypes import bfloat16

import reference as r
import tileskip as t

SIZES = st.integers(1, 70)
VIEWS = ["plain", "reversed", "sliced", "stepped", "expanded", "last", "one row"]


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
        "views": draw(st.tuples(*[st.sampled_from(VIEWS)] * 3)),
        "mask": draw(st.sampled_from([None, "bool", "f32", "f16", "bf16"])),
        "mask_planes": draw(st.tuples(st.booleans(), st.booleans(), st.booleans())),
        "seed": draw(st.integers(0, 2**32)),
    }


def strided(rng, shape, order, view, dtype):
    """An array of that shape whose memory runs in another order than its axes, seen as the view's
    name says."""
    grown = list(shape)
    if view == "sliced":
        grown[2], grown[3] = shape[2] + 3, shape[3] + 2
    elif view == "stepped":
        grown[2] = 2 * shape[2]
    elif view == "expanded":
        grown[1] = 1
    elif view == "one row":
        grown[:3] = 1, 1, 1
    elif view == "last":
        return np.swapaxes(
            rng.standard_normal((*shape[:2], shape[3], shape[2])).astype(dtype), 2, 3
        )
    a = rng.standard_normal([grown[i] for i in order] + [grown[3]]).astype(dtype)
    a = a.transpose([list(order).index(i) for i in range(3)] + [3])
    if view == "reversed":
        return a[:, :, ::-1]
    if view == "sliced":
        return a[:, :, 2:-1, 1:-1]
    if view == "stepped":
        return a[:, :, ::2]
    return np.broadcast_to(a, shape)


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


def arrays(rng, p):
    """q, k and v."""
    shapes = (
        (p["batch"], p["heads"], p["q_len"], p["dim"]),
        (p["batch"], p["kv_heads"], p["k_len"], p["dim"]),
        (p["batch"], p["kv_heads"], p["k_len"], p["dim_v"]),
    )
    return [
        strided(rng, shape, p["order"], view, p["dtype"]) for shape, view in zip(shapes, p["views"])
    ]


@settings(max_examples=500, deadline=None)
@given(problems())
def test_attention(p) -> None:
    rng = np.random.default_rng(p["seed"])
    q, k, v = arrays(rng, p)
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


def without(array, axis):
    """Nothing along an axis."""
    return array[tuple(slice(0, 0) if i == axis else slice(None) for i in range(4))]


def more(array, axis):
    """One more along an axis."""
    return np.concatenate([array, array.take([0], axis)], axis)


SPOILT = {
    "nothing along": without,
    "more along": more,
    "one axis less": lambda array, axis: array.take(0, axis),
    "one axis more": lambda array, axis: np.expand_dims(array, axis),
    "doubles": lambda array, axis: array.astype(np.float64),
    "integers": lambda array, axis: array.astype(np.int32),
    "other bytes": lambda array, axis: array.astype(np.dtype(np.float32).newbyteorder()),
    "a list": lambda array, axis: array.tolist(),
    "none": lambda array, axis: None,
}


@settings(max_examples=300, deadline=None)
@given(problems(), st.sampled_from("qkv"), st.sampled_from(sorted(SPOILT)), st.integers(0, 3))
def test_wrong_arrays_are_named(p, name, how, axis) -> None:
    """One array is spoilt; the error speaks of it, or of one that it no longer fits."""
    given = dict(zip("qkv", arrays(np.random.default_rng(p["seed"]), p)))
    plan = t.plan(**given)
    given[name] = SPOILT[how](given[name], axis)
    still_right = how == "more along" and (
        (name == "q" and axis == 2) or (name == "v" and axis == 3)
        or (name == "q" and axis == 1 and p["kv_heads"] == 1)
    )
    if not still_right:
        with pytest.raises((ValueError, TypeError, t.Error), match=r"^(q|k|v|n_heads|head_dim)\b"):
            t.attention(**given)
    with pytest.raises((ValueError, TypeError), match=rf"^{name} "):
        plan(**given)
