# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
import re
import threading
import time
from pathlib import Path
from typing import Optional

import numpy as np
import pytest
from ml_dtypes import bfloat16

import reference as r
import tileskip as t

DTYPES = [np.float32, np.float16, bfloat16]


def draw(*shape: int, dtype: object = np.float32, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def problem(dtype: object = np.float32, q_len: int = 100, k_len: int = 100):
    return (
        draw(2, 4, q_len, 48, dtype=dtype, seed=1),
        draw(2, 2, k_len, 48, dtype=dtype, seed=2),
        draw(2, 2, k_len, 40, dtype=dtype, seed=3),
    )


def worst(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(np.float64) - b).max())


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
def test_rules_and_tensor_agree_with_the_definition(dtype: object) -> None:
    q, k, v = problem(dtype)
    seen = r.causal_window(100, 100, 30)
    expected, lse = r.attention(q, k, v, r.additive(seen))
    for arguments in ({"rules": "causal,window=30"}, {"mask": seen}, {"mask": t.causal & t.window(30)}):
        out, got = t.attention(q, k, v, return_lse=True, **arguments)
        assert out.dtype == q.dtype and out.shape == (2, 4, 100, 40)
        assert worst(out, expected) < r.tolerance(dtype)
        assert worst(got, lse) < 2e-5 + r.tolerance(dtype) * (dtype != np.float32)


def test_options() -> None:
    q, k, v = problem(q_len=7)
    bias = draw(1, 4, 7, 100, seed=5)
    sinks = draw(4, seed=6)
    expected, lse = r.attention(q, k, v, bias.astype(float), scale=0.3, softcap=5.0, sinks=sinks)
    out, got = t.attention(
        q, k, v, mask=bias, scale=0.3, softcap=5.0, sinks=sinks, return_lse=True
    )
    assert worst(out, expected) < 4e-6 and worst(got, lse) < 1e-5


def test_offset_end_aligns_the_last_query_with_the_last_key() -> None:
    q, k, v = problem(q_len=7)
    expected, _ = r.attention(q, k, v, r.additive(r.causal_window(7, 100, q_offset=93)))
    assert worst(t.attention(q, k, v, rules="causal", q_offset="end"), expected) < 4e-6
    same = t.attention(q, k, v, rules="causal", q_offset=93)
    assert np.array_equal(same, t.attention(q, k, v, rules="causal", q_offset="end"))


def test_layouts_strides_and_expanded_heads_give_the_same_bytes() -> None:
    q, k, v = problem()
    out = t.attention(q, k, v, rules="causal")
    turned = [np.ascontiguousarray(a.swapaxes(1, 2)) for a in (q, k, v)]
    other = t.attention(*turned, rules="causal", layout="blhd")
    assert np.array_equal(other.swapaxes(1, 2), out)
    views = [a.swapaxes(1, 2) for a in turned]
    assert np.array_equal(t.attention(*views, rules="causal"), out)
    one = [np.broadcast_to(a[:, :1], a.shape) for a in (k, v)]
    expanded = t.attention(q, *one, rules="causal")
    assert np.array_equal(expanded, t.attention(q, k[:, :1], v[:, :1], rules="causal"))
    wide = np.zeros((2, 4, 100, 96), np.float32)
    wide[..., ::2] = q
    assert np.array_equal(t.attention(wide[..., ::2], k, v, rules="causal"), out)


def test_unaligned_arrays_and_subclasses(tmp_path: Path) -> None:
    q, k, v = problem()
    out = t.attention(q, k, v, rules="causal")
    raw = np.zeros(q.nbytes + 2, np.uint8)
    odd = raw[2:].view(np.float32).reshape(q.shape)
    odd[...] = q
    assert np.array_equal(t.attention(odd, k, v, rules="causal"), out)
    plan = t.plan(q, k, v, rules="causal")
    assert np.array_equal(plan(q, k, v), out)
    assert np.array_equal(plan(odd, k, v), out)
    np.save(tmp_path / "q.npy", q)
    mapped = np.load(tmp_path / "q.npy", mmap_mode="r")
    assert np.array_equal(t.attention(mapped, k, v, rules="causal"), out)


def test_a_plan_follows_its_arrays() -> None:
    """Other arrays of the same form, and the same ones in turn, are told apart."""
    q, k, v = problem()
    plan = t.plan(q, k, v, rules="causal")
    first = plan(q, k, v)
    for i in range(5):
        assert np.array_equal(plan(q + i, k, v), t.attention(q + i, k, v, rules="causal"))
        assert np.array_equal(plan(q, k, v), first)


def test_a_single_repeated_row() -> None:
    q, k, v = problem()
    same = np.broadcast_to(k[:1, :1, :1], k.shape)
    expected, _ = r.attention(q, same, v)
    assert worst(t.attention(q, same, v), expected) < 4e-6


def test_skipping_changes_no_byte() -> None:
    q, k, v = problem(q_len=300, k_len=300)
    rules = "causal,window=40,images=50:120"
    assert np.array_equal(
        t.attention(q, k, v, rules=rules), t.attention(q, k, v, rules=rules, skip=False)
    )


def test_plan_and_map_are_reused() -> None:
    q, k, v = problem()
    plan = t.plan(q, k, v, rules="causal")
    tiles = t.TileMap.from_rules("causal", 100, tile=plan.tile, batch=2, n_heads=4)
    out = np.empty((2, 4, 100, 40), np.float32)
    assert plan(q, k, v, tile_map=tiles, out=out) is out
    assert np.array_equal(out, t.attention(q, k, v, rules="causal"))
    assert np.array_equal(plan(2 * q, k, v), t.attention(2 * q, k, v, rules="causal"))
    assert "attention[f32 d48/40" in repr(plan)
    with pytest.raises(ValueError, match="the plan was made for"):
        plan(q[:, :, :50], k, v)
    with pytest.raises(ValueError, match="q_len"):
        plan(q, k, v, tile_map=t.TileMap.from_rules("causal", 99, 100, tile=plan.tile))


@pytest.mark.parametrize("rules", [None, "causal"])
def test_a_map_of_a_mask_tensor_serves_every_plan_on_that_tensor(rules: Optional[str]) -> None:
    q, k, v = problem()
    mask = np.random.default_rng(0).random((q.shape[2], k.shape[2])) < 0.9
    plan = t.plan(q, k, v, mask=mask, rules=rules)
    tiles = t.TileMap.from_mask(mask, rules=rules, tile=plan.tile)
    expected = t.attention(q, k, v, mask=mask, rules=rules)
    assert (plan(q, k, v, tile_map=tiles) == expected).all()
    assert (t.attention(q, k, v, mask=mask, rules=rules, tile_map=tiles) == expected).all()
    with pytest.raises(ValueError, match="other mask tensor"):
        t.attention(q, k, v, mask=mask.copy(), rules=rules, tile_map=tiles)


def test_a_mask_tensor_is_read_at_each_call() -> None:
    q, k, v = problem()
    mask = np.zeros((100, 100), np.float32)
    plan = t.plan(q, k, v, mask=mask)
    first = plan(q, k, v)
    mask[:, 50:] = -np.inf
    assert not np.array_equal(first, plan(q, k, v))
    assert np.array_equal(plan(q, k, v), t.attention(q, k, v, mask=mask))


def test_eight_threads_at_once() -> None:
    q, k, v = problem(q_len=200, k_len=200)
    plan = t.plan(q, k, v, rules="causal,window=50")
    expected = plan(q, k, v)
    wrong = []

    def work() -> None:
        for _ in range(20):
            if not np.array_equal(plan(q, k, v), expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_other_threads_run_meanwhile() -> None:
    q = draw(1, 4, 3000, 64)
    plan = t.plan(q, q, q)
    span = []

    def work() -> None:
        begin = time.perf_counter()
        plan(q, q, q)
        span.extend([begin, time.perf_counter()])

    thread, seen = threading.Thread(target=work), []
    thread.start()
    while thread.is_alive():
        seen.append(time.perf_counter())
    begin, end = span
    quarter = (end - begin) / 4
    assert any(begin + quarter < moment < end - quarter for moment in seen)


Q, K, V = problem()
READ_ONLY = np.zeros((2, 4, 100, 40), np.float32)
READ_ONLY.flags.writeable = False
BAD = [
    (lambda: t.attention(Q[0], K, V), ValueError, "q has shape"),
    (lambda: t.attention(Q, K, V[:, :1]), ValueError, "v has shape"),
    (lambda: t.attention(Q, K[..., :8], V), ValueError, "k has head size 8, expected 48"),
    (lambda: t.attention(Q, K.astype(np.float16), V), ValueError, "k has dtype f16"),
    (lambda: t.attention(Q.astype(np.float64), K, V), TypeError, "q has dtype float64"),
    (lambda: t.attention([1], K, V), TypeError, "q is a list"),
    (lambda: t.attention(Q[:, :3], K, V), ValueError, "n_heads is 3"),
    (lambda: t.attention(Q[:0], K[:0], V[:0]), ValueError, "q has shape (0, 4, 100, 48)"),
    (lambda: t.attention(Q[:, :, :0], K, V), ValueError, "q has shape (2, 4, 0, 48)"),
    (lambda: t.attention(Q[:, :0], K, V), ValueError, "q has shape (2, 0, 100, 48)"),
    (lambda: t.attention(Q, K[:, :0], V[:, :0]), ValueError, "k has shape (2, 0, 100, 48)"),
    (lambda: t.attention(Q, K[:, :, :0], V[:, :, :0]), ValueError, "k has shape (2, 2, 0, 48)"),
    (lambda: t.attention(Q, K, V[..., :0]), ValueError, "v has shape (2, 2, 100, 0)"),
    (lambda: t.attention(Q, K, V, mask=np.zeros((0, 100), bool)), ValueError, "size 0"),
    (lambda: t.attention(Q, K, V, rules=3), TypeError, "rules is a int"),
    (lambda: t.attention(Q, K, V, rules="causal\0,window=4"), ValueError, "without a zero"),
    (lambda: t.attention(Q, K, V, rules="causal", q_offset=1 << 70), ValueError, "q_offset is 118"),
    (lambda: t.plan(Q, K, V, tile=(5, 5)), t.Error, "tile is 5x5"),
    (lambda: t.plan(Q, K, V, tile="x"), ValueError, "tile is 'x'"),
    (lambda: t.attention(Q, K, V, out=READ_ONLY), ValueError, "out is a read-only ndarray"),
    (lambda: t.attention(Q, K, V, out=b""), TypeError, "out is a bytes"),
    (lambda: t.attention(Q, Q, Q, out=Q), ValueError, "out overlaps q"),
    (lambda: t.attention(Q, K, V, rules="causal,windo=4"), ValueError, "nearest is window"),
    (lambda: t.attention(Q, K, V, mask="causal", rules="causal"), ValueError, "one of them"),
    (lambda: t.attention(Q, K, V, mask=np.zeros((3, 100))), TypeError, "float64"),
    (lambda: t.attention(Q, K, V, mask=np.zeros((3, 100), bool)), ValueError, "query dimension"),
    (lambda: t.attention(Q, K, V, mask=np.zeros((1, 100, 100), bool)), t.Error, "rank 3"),
    (lambda: t.attention(Q, K, V, scale=0), ValueError, "scale is 0"),
    (lambda: t.attention(Q, K, V, scale=float("nan")), ValueError, "scale is nan"),
    (lambda: t.attention(Q, K, V, scale=1e-46), ValueError, "scale is 1e-46"),
    (lambda: t.attention(Q, K, V, scale=-1e39), ValueError, "scale is -1e+39"),
    (lambda: t.attention(Q, K, V, softcap=1e-46), ValueError, "softcap is 1e-46"),
    (lambda: t.attention(Q, K, V, softcap=-1), ValueError, "softcap"),
    (lambda: t.attention(Q, K, V, tile_map=5), TypeError, "tile_map is a int"),
    (lambda: t.attention(Q, K, V, device=3), TypeError, "device is a int"),
    (lambda: t.attention(Q, K, V, mask=np.ma.zeros((100, 100), bool)), TypeError, "MaskedArray"),
    (lambda: t.attention(Q, K, V, sinks=np.zeros(3, np.float32)), ValueError, "sinks has shape"),
    (lambda: t.attention(Q, K, V, layout="lbhd"), ValueError, "layout is 'lbhd'"),
    (lambda: t.attention(Q, K, V, q_offset=-1), ValueError, "q_offset is -1"),
    (lambda: t.attention(Q, K, V, rules="causal", q_offset="start"), ValueError, "q_offset"),
    (lambda: t.attention(Q, K, V, device="cuda:0"), ValueError, "device is 'cuda:0'"),
    (lambda: t.attention(Q, K, V, device="cpu:nothing"), t.Error, "nothing"),
    (lambda: t.attention(Q, K, V, out=np.zeros((2, 4, 100, 48), np.float32)), ValueError, "out has shape"),
    (lambda: t.attention(Q, K, V, out=np.zeros((2, 4, 100, 80), np.float32)[..., ::2]), ValueError, "out has strides"),
    (lambda: t.TileMap.from_rules("", 10), ValueError, "rules is empty"),
    (lambda: t.TileMap.from_rules("causal", 0), ValueError, "q_len"),
    (lambda: t.TileMap.from_rules("causal", 10, 0), ValueError, "k_len is 0"),
    (lambda: t.TileMap.from_rules("causal", 2.5), ValueError, "q_len is 2.5"),
    (lambda: t.TileMap.from_rules("causal", 10, batch=-1), ValueError, "batch is -1"),
    (lambda: t.TileMap.from_rules("causal", 10, tile=(0, 4)), ValueError, "tile's BQ is 0"),
    (lambda: t.TileMap.from_rules("causal", 10).picture(plane=1), ValueError, "plane is 1"),
    (lambda: t.TileMap.from_rules("causal", 10).picture(width=-1), ValueError, "width is -1"),
    (lambda: t.TileMap.from_rules("causal", 1 << 30, tile=(1, 1)), MemoryError, "bytes"),
]


@pytest.mark.parametrize("call,kind,words", BAD, ids=[words for _, _, words in BAD])
def test_wrong_arguments_are_named(call, kind: type, words: str) -> None:
    with pytest.raises(kind, match=re.escape(words)):
        call()


def test_mlx_signature() -> None:
    q, k, v = problem(q_len=7)
    expected = t.attention(q, k, v, rules="causal", q_offset="end", scale=0.2)
    assert np.array_equal(t.fast.scaled_dot_product_attention(q, k, v, scale=0.2, mask="causal"), expected)
    seen = r.causal_window(7, 100, q_offset=93)
    assert np.array_equal(t.fast.scaled_dot_product_attention(q, k, v, scale=0.2, mask=seen), expected)
    column = np.zeros((7, 1), bool)
    assert not t.fast.scaled_dot_product_attention(q, k, v, scale=0.2, mask=column).any()
    with pytest.raises(ValueError, match="mask is 'window'"):
        t.fast.scaled_dot_product_attention(q, k, v, scale=0.2, mask="window")


def test_devices() -> None:
    names = [d.name for d in t.devices()]
    assert "cpu" in names and len(names) == len(set(names))
