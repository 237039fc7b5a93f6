# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""JAX arrays, through DLPack, and its attention beside ours."""

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="JAX could not be installed here")

import tileskip
from jax import numpy as jnp
from tileskip._frameworks import view

jax.config.update("jax_default_matmul_precision", "highest")
TOLERANCE = {"float32": 1e-5, "float16": 4e-3, "bfloat16": 3e-2}


def problem(dtype="float32", q_len=70, k_len=90):
    keys = jax.random.split(jax.random.key(0), 3)
    return (
        jax.random.normal(keys[0], (2, q_len, 4, 32)).astype(dtype),
        jax.random.normal(keys[1], (2, k_len, 2, 32)).astype(dtype),
        jax.random.normal(keys[2], (2, k_len, 2, 32)).astype(dtype),
    )


def close(a, b):
    assert isinstance(a, jax.Array) and a.shape == b.shape and a.dtype == b.dtype
    distance = jnp.abs(a.astype("float32") - b.astype("float32")).max()
    assert distance < TOLERANCE[a.dtype.name]


@pytest.mark.parametrize("dtype", list(TOLERANCE))
def test_like_jax(dtype) -> None:
    q, k, v = problem(dtype)
    theirs = jax.nn.dot_product_attention(q, k, v)
    close(tileskip.attention(q, k, v, layout="blhd"), theirs)
    seen = jax.random.uniform(jax.random.key(4), (2, 1, 70, 90)) < 0.7
    theirs = jax.nn.dot_product_attention(q, k, v, mask=seen)
    close(tileskip.attention(q, k, v, layout="blhd", mask=seen), theirs)
    theirs = jax.nn.dot_product_attention(q, k[:, :70], v[:, :70], is_causal=True)
    close(tileskip.attention(q, k[:, :70], v[:, :70], layout="blhd", rules="causal"), theirs)


def test_results_are_jax_arrays_of_their_own() -> None:
    q, k, v = problem()
    out, lse = tileskip.attention(q, k, v, layout="blhd", return_lse=True)
    assert isinstance(out, jax.Array) and isinstance(lse, jax.Array)
    kept = np.array(out)
    others = [tileskip.attention(q * i, k, v, layout="blhd") for i in range(2, 6)]
    assert np.array_equal(out, kept) and not any(np.array_equal(out, o) for o in others)
    assert not jnp.zeros(out.shape).any()
    close(jax.jit(lambda a: a * 2)(out), out * 2)


@pytest.mark.parametrize("dtype", list(TOLERANCE))
def test_read_in_place(dtype) -> None:
    q = problem(dtype)[0]
    seen = view(q, "q")
    assert seen.pointer == q.unsafe_buffer_pointer()
    assert seen.device == ("cpu" if jax.default_backend() == "cpu" else "cuda:0")


def test_the_same_bytes_as_numpy() -> None:
    if jax.default_backend() != "cpu":
        pytest.skip("bytes are compared on one device only, the CPU")
    q, k, v = problem("float16")
    plan = tileskip.plan(q, k, v, layout="blhd", rules="causal")
    expected = tileskip.attention(*map(np.asarray, (q, k, v)), layout="blhd", rules="causal")
    assert np.array_equal(plan(q, k, v), expected)


def test_what_cannot_be_done_is_refused() -> None:
    q, k, v = problem()
    with pytest.raises(ValueError, match="out is a read-only ArrayImpl"):
        tileskip.attention(q, k, v, layout="blhd", out=jnp.zeros(q.shape))
    with pytest.raises(TypeError, match="q is a DynamicJaxprTracer, expected an array"):
        jax.jit(lambda a: tileskip.attention(a, k, v, layout="blhd"))(q)
    with pytest.raises(TypeError, match="q has dtype int32"):
        tileskip.attention(q.astype("int32"), k, v)
