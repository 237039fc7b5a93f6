# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
import pytest
import torch
import torch.nn.functional as F

import tileskip
import tileskip.torch as tt

TOLERANCE = {torch.float32: 5e-6, torch.float16: 3e-3, torch.bfloat16: 2e-2}


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


def test_views_are_read_in_place():
    q, k, v = (t.transpose(1, 2).contiguous().transpose(1, 2) for t in problem())
    close(tt.scaled_dot_product_attention(q, k, v), F.scaled_dot_product_attention(q, k, v))


def test_compile_and_export_keep_one_node():
    class Model(torch.nn.Module):
        def forward(self, q, k, v):
            return tt.attention(q * 2, k, v, rules="causal,window=20") + 1

    q, k, v = problem()
    eager = Model()(q, k, v)
    compiled = torch.compile(Model(), fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(q, k, v), eager)
    exported = torch.export.export(Model(), (q, k, v))
    assert sum("tileskip" in str(n.target) for n in exported.graph.nodes) == 1
    assert torch.equal(exported.module()(q, k, v), eager)
    torch.library.opcheck(
        torch.ops.tileskip.attention.default,
        (q, k, v, None, "causal", 0.2, 0.0, None, 0, 0),
        test_utils=("test_schema", "test_faketensor"),
    )


def test_gradients_and_dropout_are_refused():
    q, k, v = problem()
    q.requires_grad_()
    with pytest.raises(RuntimeError, match="no gradients"):
        tt.scaled_dot_product_attention(q, k, v)
    with torch.no_grad():
        tt.scaled_dot_product_attention(q, k, v)
    with pytest.raises(ValueError, match="dropout_p is 0.1"):
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
