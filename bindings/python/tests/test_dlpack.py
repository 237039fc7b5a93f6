# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Arrays of frameworks that tileskip has never heard of."""

import numpy as np
import pytest

import tileskip as t
from tileskip._frameworks import view


class Foreign:
    """Speaks DLPack and nothing else; `device` is what it says of itself."""

    def __init__(self, array: np.ndarray, device=(1, 0)) -> None:
        self.array, self.device, self.streams = array, device, []

    def __dlpack_device__(self):
        return self.device

    def __dlpack__(self, stream=None):
        self.streams.append(stream)
        return self.array.__dlpack__()


def problem():
    draw = np.random.default_rng(0).standard_normal
    return [draw((2, 2, 40, 16), np.float32) for _ in range(3)]


def test_read_in_place() -> None:
    arrays = problem()
    seen = view(Foreign(arrays[0].swapaxes(1, 2)), "q")
    assert seen.pointer == arrays[0].ctypes.data
    assert seen.shape == (2, 40, 2, 16) and seen.strides == (1280, 16, 640, 1)
    out = t.attention(*map(Foreign, arrays), rules="causal")
    assert np.array_equal(out, t.attention(*arrays, rules="causal"))
    plan = t.plan(*arrays, rules="causal")
    assert np.array_equal(plan(*map(Foreign, arrays)), out)


def test_masks_and_outputs() -> None:
    q, k, v = problem()
    seen = np.tri(40, dtype=bool)
    expected = t.attention(q, k, v, rules="causal")
    assert np.array_equal(t.attention(q, k, v, mask=Foreign(seen)), expected)
    into = np.empty_like(q)
    t.attention(q, k, v, rules="causal", out=Foreign(into))
    assert np.array_equal(into, expected)


def test_on_a_gpu_the_default_stream_is_named() -> None:
    """There what the framework has queued must come before what tileskip does."""
    array = Foreign(problem()[0], device=(2, 1))
    assert view(array, "q").device == "cuda:1" and array.streams == [1]


def test_what_cannot_be_read() -> None:
    q, k, v = problem()
    half = Foreign(q.astype(np.float16))
    with pytest.raises(TypeError, match="q is a Foreign of f16: give `out`"):
        t.attention(half, *[a.astype(np.float16) for a in (k, v)])
    with pytest.raises(TypeError, match="q has dtype DLPack 0/32"):
        t.attention(Foreign(q.astype(np.int32)), k, v)
    with pytest.raises(ValueError, match="q has strides that need a copy"):
        t.attention(Foreign(q[..., ::2]), k, v)
    with pytest.raises(ValueError, match="q lies on DLPack device type 8, expected CPU or CUDA"):
        t.attention(Foreign(q, device=(8, 0)), k, v)
    with pytest.raises(ValueError, match="k lies on cuda:0, expected cpu as q"):
        t.attention(q, Foreign(k, device=(2, 0)), v)
    plan = t.plan(q, k, v)
    with pytest.raises(ValueError, match="k lies on cuda:0, expected cpu"):
        plan(q, Foreign(k, device=(2, 0)), v)
    with pytest.raises(ValueError, match="out lies on cuda:0, expected cpu"):
        plan(q, k, v, out=Foreign(np.empty_like(q), device=(2, 0)))
