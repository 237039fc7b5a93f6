# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""MLX arrays, and its function beside ours."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

mx = pytest.importorskip("mlx.core", reason="MLX could not be installed here")

import tileskip
from tileskip import fast

TOLERANCE = {mx.float32: 1e-5, mx.float16: 4e-3, mx.bfloat16: 3e-2}


def draw(*shape, dtype=mx.float32, seed=0):
    return mx.random.normal(shape, key=mx.random.key(seed)).astype(dtype)


def problem(dtype=mx.float32, q_len=70, k_len=90):
    return (
        draw(2, 4, q_len, 32, dtype=dtype, seed=1),
        draw(2, 2, k_len, 32, dtype=dtype, seed=2),
        draw(2, 2, k_len, 24, dtype=dtype, seed=3),
    )


def like_mlx(q, k, v, **arguments):
    """Ours and MLX's; MLX's where every row sees a key."""
    ours = fast.scaled_dot_product_attention(q, k, v, **arguments)
    theirs = mx.fast.scaled_dot_product_attention(q, k, v, **arguments)
    assert isinstance(ours, mx.array) and ours.shape == theirs.shape and ours.dtype == theirs.dtype
    a, b = ours.astype(mx.float32), theirs.astype(mx.float32)
    assert mx.abs(a - b).max().item() < TOLERANCE[ours.dtype] * max(1.0, mx.abs(b).max().item())
    return ours


MASKS = st.sampled_from([None, "causal", "bool", "additive"])


@st.composite
def problems(draw):
    kv_heads = draw(st.integers(1, 3))
    return {
        "dtype": draw(st.sampled_from(list(TOLERANCE))),
        "heads": (kv_heads * draw(st.integers(1, 3)), kv_heads),
        "q_len": draw(st.integers(1, 40)),
        "more_keys": draw(st.integers(0, 40)),
        "dim": draw(st.sampled_from([8, 40])),
        "turned": draw(st.booleans()),
        "mask": draw(MASKS),
        "mask_dims": draw(st.lists(st.booleans(), min_size=1, max_size=4)),
        "sinks": draw(st.booleans()),
        "seed": draw(st.integers(0, 2**32)),
    }


@settings(max_examples=300, deadline=None)
@given(problems())
def test_like_mlx(p) -> None:
    keys = iter(mx.random.split(mx.random.key(p["seed"]), 8))
    q_len, k_len = p["q_len"], p["q_len"] + p["more_keys"]

    def normal(heads, length):
        if p["turned"]:
            made = mx.random.normal((2, length, heads, p["dim"]), key=next(keys))
            return made.astype(p["dtype"]).swapaxes(1, 2)
        return mx.random.normal((2, heads, length, p["dim"]), key=next(keys)).astype(p["dtype"])

    heads, kv_heads = p["heads"]
    q, k, v = normal(heads, q_len), normal(kv_heads, k_len), normal(kv_heads, k_len)
    mask = p["mask"]
    if mask in ("bool", "additive"):
        full, kept = (2, heads, q_len, k_len), p["mask_dims"]
        shape = [n if keep else 1 for n, keep in zip(full[-len(kept):], kept)]
        if mask == "bool":
            mask = mx.random.uniform(shape=shape, key=next(keys)) < 0.8
            mask = mask | (mx.arange(shape[-1]) == 0)  # MLX gives an empty row the mean of v
        else:
            mask = mx.random.normal(shape, key=next(keys)).astype(p["dtype"])
    sinks = mx.random.normal((heads,), key=next(keys)).astype(p["dtype"]) if p["sinks"] else None
    like_mlx(q, k, v, scale=0.3, mask=mask, sinks=sinks)


@pytest.mark.parametrize("dtype", list(TOLERANCE), ids=str)
def test_the_plain_call_takes_mlx_arrays(dtype) -> None:
    q, k, v = problem(dtype)
    out, lse = tileskip.attention(q, k, v, rules="causal", q_offset="end", return_lse=True)
    assert isinstance(out, mx.array) and out.dtype == dtype and isinstance(lse, mx.array)
    same = like_mlx(q, k, v, scale=32**-0.5, mask="causal")
    assert mx.array_equal(out, same)
    plan = tileskip.plan(q, k, v, rules="causal", q_offset="end")
    assert mx.array_equal(plan(q, k, v), out)


def test_arrays_are_read_in_place() -> None:
    q, k, v = problem(mx.bfloat16)
    for array in (q, q.swapaxes(1, 2), k):
        mx.eval(array)
        seen = tileskip._frameworks.view(array, "q")
        again = tileskip._frameworks.view(array, "q")
        assert seen.pointer == again.pointer and seen.shape == array.shape
    tiles = tileskip.TileMap.from_mask(mx.tri(70, 90, 20, dtype=mx.float32) > 0)
    assert tiles.counts == tileskip.TileMap.from_rules("causal", 70, 90, q_offset="end").counts


def test_types_are_promoted() -> None:
    q, k, v = problem()
    assert like_mlx(q, k.astype(mx.float16), v, scale=0.3).dtype == mx.float32
    like_mlx(q, k, v, scale=0.3, sinks=draw(4, dtype=mx.float16))
    like_mlx(q, k, v, scale=0.3, mask=(draw(70, 90) * 3).astype(mx.int32))
    like_mlx(q, k, v, scale=0.0)


def test_more_queries_than_keys() -> None:
    q, k, v = problem(q_len=90, k_len=70)
    ours = fast.scaled_dot_product_attention(q, k, v, scale=0.3, mask="causal")
    theirs = mx.fast.scaled_dot_product_attention(q, k, v, scale=0.3, mask="causal")
    assert mx.abs(ours - theirs)[:, :, 20:].max().item() < 1e-5
    assert not ours[:, :, :20].any().item()


def test_nothing_to_compute() -> None:
    q, k, v = problem()
    none = fast.scaled_dot_product_attention(q[:, :, :0], k, v, scale=0.3)
    assert isinstance(none, mx.array) and none.shape == (2, 4, 0, 24)
    assert not like_mlx(q, k[:, :, :0], v[:, :, :0], scale=0.3).any().item()
    with pytest.raises(ValueError, match="k has shape"):
        tileskip.attention(q, k[:, :, :0], v[:, :, :0])


def test_wrong_arguments_are_named() -> None:
    q, k, v = problem()
    for arguments, words in (
        ({"mask": "window"}, "mask is 'window'"),
        ({"mask": draw(3, 90)}, "query dimension"),
        ({"mask": draw(70, 3)}, "mask has 3 keys"),
        ({"mask": draw(1, 1, 1, 70, 90)}, "rank 5"),
        ({"sinks": draw(3)}, "sinks has shape"),
    ):
        with pytest.raises(ValueError, match=words):
            fast.scaled_dot_product_attention(q, k, v, scale=0.3, **arguments)
    with pytest.raises(ValueError, match="q has shape"):
        fast.scaled_dot_product_attention(q[0], k, v, scale=0.3)
    with pytest.raises(ValueError, match="read-only array"):
        tileskip.attention(q, k, v, out=mx.zeros((2, 4, 70, 24)))
    with pytest.raises(ValueError, match="eval"):
        mx.compile(lambda a: fast.scaled_dot_product_attention(a, k, v, scale=0.3))(q)


def test_numpy_gives_numpy() -> None:
    q, k, v = (np.array(a) for a in problem())
    ours = fast.scaled_dot_product_attention(q, k, v, scale=0.3, mask="causal")
    theirs = like_mlx(*map(mx.array, (q, k, v)), scale=0.3, mask="causal")
    assert isinstance(ours, np.ndarray) and np.array_equal(ours, np.array(theirs))
