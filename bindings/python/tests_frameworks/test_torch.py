# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch could not be installed here")

import tileskip
import tileskip.torch as tt
import torch.nn.functional as F
from target import DEVICE, ON_CPU

TOLERANCE = {torch.float32: 5e-6 if ON_CPU else 2e-5, torch.float16: 3e-3, torch.bfloat16: 2e-2}


def problem(dtype=torch.float32, heads=4, kv_heads=4, q_len=70, k_len=90, lead=(2,)):
    torch.manual_seed(0)
    return (
        torch.randn(*lead, heads, q_len, 32).to(dtype),
        torch.randn(*lead, kv_heads, k_len, 32).to(dtype),
        torch.randn(*lead, kv_heads, k_len, 24).to(dtype),
    )


def close(a, b):
    assert a.shape == b.shape and a.dtype == b.dtype
    assert (a.float() - b.float()).abs().max() < TOLERANCE[a.dtype] * max(1, b.float().abs().max())


@pytest.mark.parametrize("dtype", list(TOLERANCE))
def test_like_torch(dtype):
    q, k, v = problem(dtype)
    close(tt.scaled_dot_product_attention(q, k, v), F.scaled_dot_product_attention(q, k, v))
    for arguments in (
        {"is_causal": True},
        {"scale": 0.3},
        {"attn_mask": torch.rand(70, 90) < 0.7},
        {"attn_mask": torch.rand(2, 1, 70, 90) < 0.7},
        {"attn_mask": torch.randn(4, 70, 90).to(dtype)},
        {"attn_mask": torch.randn(2, 4, 1, 90).to(dtype)},
    ):
        close(
            tt.scaled_dot_product_attention(q, k, v, **arguments),
            F.scaled_dot_product_attention(q, k, v, **arguments),
        )


def test_grouped_queries_and_ranks():
    q, k, v = problem(kv_heads=2)
    close(
        tt.scaled_dot_product_attention(q, k, v, enable_gqa=True),
        F.scaled_dot_product_attention(q, k, v, enable_gqa=True),
    )
    with pytest.raises(ValueError, match="enable_gqa"):
        tt.scaled_dot_product_attention(q, k, v)
    for lead in ((), (2, 3)):
        q, k, v = problem(lead=lead)
        close(tt.scaled_dot_product_attention(q, k, v), F.scaled_dot_product_attention(q, k, v))


def test_leading_dimensions_broadcast_as_in_torch():
    shapes = [
        ((2, 4, 5, 8), (1, 4, 6, 8)),
        ((2, 4, 5, 8), (2, 1, 6, 8)),
        ((1, 4, 5, 8), (2, 4, 6, 8)),
        ((2, 1, 5, 8), (2, 4, 6, 8)),
        ((2, 4, 5, 8), (6, 8)),
        ((5, 8), (6, 8)),
    ]
    for q_shape, k_shape in shapes:
        q, k = torch.randn(q_shape), torch.randn(k_shape)
        close(tt.scaled_dot_product_attention(q, k, k), F.scaled_dot_product_attention(q, k, k))


def test_nothing_to_compute():
    for q_shape, k_shape in (
        ((0, 1, 2, 8), (0, 1, 6, 8)),
        ((1, 1, 0, 8), (1, 1, 6, 8)),
        ((1, 1, 2, 8), (1, 1, 0, 8)),
    ):
        q, k = torch.randn(q_shape), torch.randn(k_shape)
        out = tt.scaled_dot_product_attention(q, k, k)
        assert torch.equal(out, F.scaled_dot_product_attention(q, k, k))
    with pytest.raises(ValueError, match="q has shape"):
        tileskip.attention(torch.randn(0, 1, 2, 8), torch.randn(0, 1, 6, 8), torch.randn(0, 1, 6, 8))


def test_results_are_tensors_beside_the_query():
    q, k, v = problem(torch.bfloat16)
    out, lse = tileskip.attention(q, k, v, rules="causal", return_lse=True)
    assert type(out) is torch.Tensor and out.dtype == torch.bfloat16
    assert lse.dtype == torch.float32 and lse.shape == (2, 4, 70)
    into = torch.empty(2, 4, 70, 24, dtype=torch.bfloat16)
    assert tileskip.attention(q, k, v, rules="causal", out=into) is into
    assert torch.equal(into, out)
    half = [t.float().cpu().numpy() for t in (q, k, v)]
    expected = tileskip.attention(*half, rules="causal")
    assert np.abs(expected - out.float().cpu().numpy()).max() < 2e-2


def test_what_cannot_be_read_is_refused():
    q, k, v = problem()
    meta = torch.empty(2, 4, 70, 32, device="meta")
    with pytest.raises(ValueError, match="q lies on meta, expected cpu or cuda"):
        tileskip.attention(meta, k, v)
    with pytest.raises(TypeError, match="q has dtype torch.float64"):
        tileskip.attention(q.double(), k.double(), v.double())
    with pytest.raises(ValueError, match="the plan was made for"):
        tileskip.plan(q, k, v)(q.transpose(2, 3).contiguous().transpose(2, 3)[:, :, 1:], k, v)


def test_views_are_read_in_place():
    q, k, v = (t.transpose(1, 2).contiguous().transpose(1, 2) for t in problem())
    close(tt.scaled_dot_product_attention(q, k, v), F.scaled_dot_product_attention(q, k, v))


class Model(torch.nn.Module):
    def forward(self, q, k, v):
        return tt.attention(q * 2, k, v, rules="causal,window=20", q_offset="end") + 1


class Plain(torch.nn.Module):
    def forward(self, q, k, v, mask):
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask) + 1


@pytest.mark.parametrize(
    "backend,dynamic", [("aot_eager", None), ("aot_eager", True), ("inductor", True)]
)
def test_compile_keeps_the_operator(backend, dynamic):
    torch.compiler.reset()
    q, k, v = problem()
    compiled = torch.compile(Model(), fullgraph=True, backend=backend, dynamic=dynamic)
    for length in (70, 60, 50):
        given = q[:, :, :length], k, v
        close(compiled(*given), Model()(*given))


def test_export_keeps_one_node():
    q, k, v = problem()
    exported = torch.export.export(Model(), (q, k, v))
    assert sum("tileskip" in str(n.target) for n in exported.graph.nodes) == 1
    assert torch.equal(exported.module()(q, k, v), Model()(q, k, v))
    length = torch.export.Dim("length", min=2, max=80)
    loose = torch.export.export(Model(), (q, k, v), dynamic_shapes=({2: length}, None, None))
    short = q[:, :, :33]
    assert torch.equal(loose.module()(short, k, v), Model()(short, k, v))


def test_the_operator_is_what_torch_asks_of_one():
    q, k, v = problem(torch.bfloat16)
    for mask, sinks in ((None, None), (torch.rand(70, 90) < 0.5, torch.randn(4))):
        torch.library.opcheck(
            torch.ops.tileskip.attention.default,
            (q, k, v, mask, "causal", 0.2, 5.0, sinks, 3, 0),
        )


def test_the_fake_tells_shape_strides_and_type():
    with torch._subclasses.FakeTensorMode():
        q = torch.empty(2, 70, 4, 32, dtype=torch.float16).transpose(1, 2)
        out = tt.attention(q, q, q, rules="causal")
    real = tt.attention(torch.empty(q.shape, dtype=q.dtype), *[torch.empty(q.shape, dtype=q.dtype)] * 2)
    assert (out.shape, out.stride(), out.dtype) == (real.shape, real.stride(), real.dtype)


def test_derivatives_forwards_are_refused():
    q, k, v = problem()
    for call in (tt.scaled_dot_product_attention, tt.attention, tileskip.attention):
        with pytest.raises(RuntimeError, match="tileskip computes no gradients"):
            torch.func.jvp(lambda x: call(x, k, v), (q,), (q,))
        with torch.autograd.forward_ad.dual_level():
            with pytest.raises(RuntimeError, match="tileskip computes no gradients"):
                call(torch.autograd.forward_ad.make_dual(q, q), k, v)


def test_a_tensor_to_write_into():
    q, k, v = problem()
    out = torch.zeros(2, 4, 70, 24)
    version = out._version
    assert tileskip.attention(q, k, v, out=out) is out and out._version > version
    with torch.inference_mode():
        assert tileskip.attention(q, k, v, out=torch.zeros_like(out)).equal(out)
    with pytest.raises(ValueError, match="out is a negated view"):
        tileskip.attention(q, k, v, out=torch._neg_view(out))


def test_under_autocast():
    q, k, v = problem()
    with torch.autocast(q.device.type, dtype=torch.bfloat16):
        close(
            tt.scaled_dot_product_attention(q.bfloat16(), k, v),
            F.scaled_dot_product_attention(q.bfloat16(), k, v),
        )


def test_gradients_and_dropout_are_refused():
    q, k, v = problem()
    q.requires_grad_()
    for call in (tt.scaled_dot_product_attention, tt.attention, tileskip.attention):
        with pytest.raises(RuntimeError, match="tileskip computes no gradients"):
            call(q, k, v)
        with torch.no_grad():
            call(q, k, v)
    with pytest.raises(Exception, match="tileskip computes no gradients"):
        torch.compile(Model(), fullgraph=True, backend="aot_eager")(q, k, v)
    out = torch.ops.tileskip.attention(q, k, v, None, "", 0.2, 0.0, None, 0, 0)
    with pytest.raises(RuntimeError, match="tileskip computes no gradients"):
        out.sum().backward()
    with pytest.raises(ValueError, match="dropout_p is 0.1, expected 0"):
        tt.scaled_dot_product_attention(q.detach(), k, v, dropout_p=0.1)
    with pytest.raises(TypeError, match="float64"):
        tt.scaled_dot_product_attention(q.detach().double(), k.double(), v.double())


def test_patch_is_undone():
    q, k, v = problem()
    before = F.scaled_dot_product_attention
    with tt.patch():
        assert F.scaled_dot_product_attention is tt.scaled_dot_product_attention
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    assert F.scaled_dot_product_attention is before
    assert torch.equal(out, tileskip.attention(q, k, v, rules="causal"))
    with pytest.raises(KeyError), tt.patch():
        raise KeyError
    assert F.scaled_dot_product_attention is before


def test_patch_reaches_torch_modules(monkeypatch):
    torch.manual_seed(0)
    layer = torch.nn.MultiheadAttention(64, 4, batch_first=True)
    x, mask = torch.randn(2, 30, 64), torch.rand(30, 30) < 0.5
    mask.fill_diagonal_(False)
    calls = []
    operator = tt._operator
    monkeypatch.setattr(tt, "_operator", lambda *a: calls.append(a) or operator(*a))
    with torch.no_grad():
        expected = layer(x, x, x, attn_mask=mask, need_weights=False)[0]
        layer.train()  # in evaluation it takes a fused path of its own
        with tt.patch():
            close(layer(x, x, x, attn_mask=mask, need_weights=False)[0], expected)
    assert len(calls) == 1


def test_patch_is_seen_by_compiled_code():
    torch.compiler.reset()
    q, k, v = problem()
    mask = torch.rand(70, 90) < 0.7
    compiled = torch.compile(Plain(), fullgraph=True, backend="aot_eager")
    plain = compiled(q, k, v, mask)
    with tt.patch():
        assert torch.equal(compiled(q, k, v, mask), tt.attention(q, k, v, mask=mask) + 1)
    assert torch.equal(compiled(q, k, v, mask), plain)


def test_eight_threads_at_once():
    from concurrent.futures import ThreadPoolExecutor

    q, k, v = problem(torch.bfloat16)
    expected = tt.attention(q, k, v, rules="causal,window=30")
    with ThreadPoolExecutor(8) as pool:
        tasks = [pool.submit(tt.attention, q, k, v, rules="causal,window=30") for _ in range(160)]
    assert all(torch.equal(task.result(), expected) for task in tasks)
