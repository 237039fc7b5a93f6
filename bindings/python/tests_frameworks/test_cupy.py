# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""CuPy arrays, on its current stream; only where there is CuPy and a GPU."""

import numpy as np
import pytest

cupy = pytest.importorskip("cupy", reason="CuPy is not installed here (it needs a CUDA GPU)")

import reference as r
import tileskip
from tileskip._frameworks import view


@pytest.fixture(autouse=True)
def gpu() -> None:
    if not cupy.is_available():
        pytest.skip("no CUDA GPU here")


def problem(dtype=np.float16):
    draw = np.random.default_rng(0).standard_normal
    q, k, v = (draw((2, 4, 100, 64)).astype(dtype) for _ in range(3))
    expected, _ = r.attention(q, k, v, r.additive(r.causal_window(100, 100)))
    return (q, k, v), expected


def worst(out, expected):
    return np.abs(out.get().astype(np.float64) - expected).max()


def test_on_the_current_stream() -> None:
    arrays, expected = problem()
    with cupy.cuda.Stream(non_blocking=True) as stream:
        on_gpu = [cupy.asarray(a) for a in arrays]
        out = tileskip.attention(*on_gpu, rules="causal")
        assert isinstance(out, cupy.ndarray)
        doubled = out * 2  # queued behind it
        stream.synchronize()
    assert worst(doubled / 2, expected) < r.tolerance(np.float16)


def test_views_are_read_in_place() -> None:
    (q, k, v), expected = problem(np.float32)
    q, k, v = (cupy.asarray(a.transpose(0, 2, 1, 3).copy()).transpose(0, 2, 1, 3) for a in (q, k, v))
    assert view(q, "q").pointer == q.data.ptr
    assert worst(tileskip.attention(q, k, v, rules="causal"), expected) < r.tolerance(np.float32)


def test_into_a_given_array_and_under_a_mask_array() -> None:
    arrays, expected = problem()
    q, k, v = (cupy.asarray(a) for a in arrays)
    seen = cupy.tri(100, dtype=bool)
    out = cupy.empty_like(q)
    assert tileskip.attention(q, k, v, mask=seen, out=out) is out
    assert worst(out, expected) < r.tolerance(np.float16)


class Foreign:
    """An array of a framework that is only known to speak DLPack."""

    def __init__(self, array):
        self.array = array

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()

    def __dlpack__(self, **asked):
        return self.array.__dlpack__(**asked)


def test_whatever_speaks_dlpack() -> None:
    arrays, expected = problem()
    with cupy.cuda.Stream(non_blocking=True):
        q, k, v = (cupy.asarray(a) for a in arrays)
        out = cupy.empty_like(q)
        assert view(Foreign(q), "q").pointer == q.data.ptr
        tileskip.attention(Foreign(q), Foreign(k), Foreign(v), rules="causal", out=out)
    assert worst(out, expected) < r.tolerance(np.float16)


def test_recorded_in_a_graph() -> None:
    arrays, _ = problem()
    q, k, v = (cupy.asarray(a) for a in arrays)
    plan, out = tileskip.plan(q, k, v, rules="causal"), cupy.empty_like(q)
    plan(q, k, v)
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        stream.begin_capture()
        plan(q, k, v, out=out)
        graph = stream.end_capture()
        q *= 2
        graph.launch(stream)
        stream.synchronize()
    assert cupy.array_equal(out, plan(q, k, v))
