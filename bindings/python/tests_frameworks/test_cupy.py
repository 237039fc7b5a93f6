# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""CuPy arrays, on its current stream; only where there is CuPy and a GPU."""

import numpy as np
import pytest

cupy = pytest.importorskip("cupy", reason="CuPy is not installed here (it needs a CUDA GPU)")

import reference as r
import tileskip


def test_on_the_current_stream() -> None:
    if not cupy.is_available():
        pytest.skip("no CUDA GPU here")
    draw = np.random.default_rng(0).standard_normal
    q, k, v = (draw((2, 4, 100, 64)).astype(np.float16) for _ in range(3))
    expected, _ = r.attention(q, k, v, r.additive(r.causal_window(100, 100)))
    with cupy.cuda.Stream(non_blocking=True) as stream:
        on_gpu = [cupy.asarray(a) for a in (q, k, v)]
        out = tileskip.attention(*on_gpu, rules="causal")
        assert isinstance(out, cupy.ndarray)
        doubled = out * 2  # queued behind it
        stream.synchronize()
    worst = np.abs(doubled.get().astype(np.float64) / 2 - expected).max()
    assert worst < r.tolerance(np.float16)
