# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Random shapes, views, types and masks: the same as PyTorch's function, and as the definition."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

torch = pytest.importorskip("torch", reason="PyTorch could not be installed here")

import reference as r
import tileskip
import tileskip.torch as tt
from target import DEVICE, ON_CPU
from torch.nn.functional import scaled_dot_product_attention

DTYPES = {torch.float32: "float32", torch.float16: "float16", torch.bfloat16: "bfloat16"}
SIZES = st.integers(1, 40)
DIMS = st.sampled_from([1, 8, 40] if ON_CPU else [8, 40])  # kernels for GPUs take multiples of 8
EXAMPLES = 500 if ON_CPU else 100  # each kernel is compiled there
VIEWS = ["plain", "transposed", "sliced", "stepped", "expanded", "last"]
MASKS = [None, "causal", "bool", "float", "float and causal"]


@st.composite
def problems(draw):
    group = draw(st.integers(1, 3))
    kv_heads = draw(st.integers(1, 3))
    lead = draw(st.sampled_from([(), (1,), (2,), (2, 2)]))
    return {
        "dtype": draw(st.sampled_from(list(DTYPES))),
        "lead": lead,
        "heads": (kv_heads * group, kv_heads),
        "q_len": draw(SIZES),
        "k_len": draw(SIZES),
        "dims": draw(st.tuples(DIMS, DIMS)),
        "views": draw(st.tuples(*[st.sampled_from(VIEWS)] * 3)),
        "mask": draw(st.sampled_from(MASKS)),
        "mask_dims": draw(st.lists(st.booleans(), min_size=2, max_size=len(lead) + 3)),
        "mask_kind": draw(st.sampled_from(["q's", "float32"])),
        "scale": draw(st.sampled_from([None, 0.3, 0.0, -0.2])),
        "seed": draw(st.integers(0, 2**32)),
    }


def seen_as(view, shape, generator, dtype):
    """A tensor of that shape whose memory is laid out as the view's name says."""

    def draw(*sizes):
        return torch.randn(sizes, generator=generator).to(dtype)

    if view == "transposed" and len(shape) >= 3:
        return draw(*shape[:-3], shape[-2], shape[-3], shape[-1]).transpose(-2, -3)
    if view == "sliced":
        return draw(*shape[:-2], shape[-2] + 3, shape[-1] + 2)[..., 2:-1, 1:-1]
    if view == "stepped":
        return draw(*shape[:-2], 2 * shape[-2], shape[-1])[..., ::2, :]
    if view == "expanded" and len(shape) >= 3:
        return draw(*shape[:-3], 1, *shape[-2:]).expand(shape)
    if view == "last":
        return draw(*shape[:-2], shape[-1], shape[-2]).transpose(-1, -2)
    return draw(*shape)


def make_mask(p, generator):
    """The last of q's dimensions and k_len, some of them 1."""
    if p["mask"] in (None, "causal"):
        return None
    full = [*p["lead"], p["heads"][0], p["q_len"], p["k_len"]]
    kept = p["mask_dims"]
    shape = [n if keep else 1 for n, keep in zip(full[-len(kept):], kept)]
    seen = torch.rand(shape, generator=generator) < 0.7
    if p["mask"] == "bool":
        return seen
    bias = torch.randn(shape, generator=generator).masked_fill(~seen, float("-inf"))
    return bias.to(p["dtype"] if p["mask_kind"] == "q's" else torch.float32)


def definition(p, q, k, v, mask, causal):
    """The same in double, by NumPy."""
    lead, scale = p["lead"], p["scale"]
    bias = np.zeros((*lead, p["heads"][0], p["q_len"], p["k_len"]))
    if mask is not None:
        bias = bias + r.additive(mask.cpu().numpy() if mask.dtype == torch.bool else mask.float().cpu().numpy())
    if causal:
        bias = bias + r.additive(r.causal_window(p["q_len"], p["k_len"]))
    four = [t.float().cpu().numpy().reshape(-1, *t.shape[-3:]) for t in (q, k, v)]
    out, _ = r.attention(*four, bias.reshape(-1, *bias.shape[-3:]), scale=scale)
    return out.reshape(*lead, *out.shape[-3:])


@settings(max_examples=EXAMPLES, deadline=None)
@given(problems())
def test_like_torch_and_like_the_definition(p) -> None:
    generator = torch.Generator(DEVICE).manual_seed(p["seed"])
    heads, kv_heads = p["heads"]
    q, k, v = (
        seen_as(view, (*p["lead"], h, length, dim), generator, p["dtype"])
        for view, h, length, dim in zip(
            p["views"],
            (heads, kv_heads, kv_heads),
            (p["q_len"], p["k_len"], p["k_len"]),
            (p["dims"][0], *p["dims"]),
        )
    )
    mask, causal = make_mask(p, generator), "causal" in (p["mask"] or "")
    arguments = {"scale": p["scale"], "enable_gqa": heads != kv_heads}
    out = tt.scaled_dot_product_attention(q, k, v, mask, is_causal=causal, **arguments)
    assert out.dtype == q.dtype

    expected = definition(p, q, k, v, mask, causal)
    allowed = r.tolerance(DTYPES[p["dtype"]]) * max(1.0, float(np.abs(expected).max()))
    assert out.shape == expected.shape
    assert np.abs(out.double().cpu().numpy() - expected).max() < allowed

    if p["scale"] is not None and p["scale"] <= 0:  # PyTorch's own kernels mask before they scale
        return
    both = None if mask is None or not causal else causal_too(mask, p)
    if not ON_CPU:  # where its kernels fault at addresses that are no multiples of 16 bytes
        q, k, v = (t.clone(memory_format=torch.contiguous_format) for t in (q, k, v))
    theirs = scaled_dot_product_attention(
        q, k, v, mask if both is None else both, is_causal=causal and both is None, **arguments
    )
    rows = np.isfinite(theirs.double().cpu().numpy())  # an empty row is NaN on some of its paths
    assert rows.all() or mask is not None
    distance = np.abs(out.double().cpu().numpy() - theirs.double().cpu().numpy())[rows]
    assert distance.max(initial=0) < 2 * allowed


def causal_too(mask, p):
    """PyTorch refuses a mask beside is_causal on some of its paths."""
    seen = torch.ones(p["q_len"], p["k_len"], dtype=torch.bool).tril()
    return mask.masked_fill(~seen, float("-inf")) if mask.dtype.is_floating_point else mask & seen


@settings(max_examples=100, deadline=None)
@given(problems())
def test_the_plain_call_reads_any_view(p) -> None:
    """tileskip.attention on a view gives the bytes it gives on a copy."""
    generator = torch.Generator(DEVICE).manual_seed(p["seed"])
    heads, kv_heads = p["heads"]
    q, k, v = (
        seen_as(view, (2, h, length, 8), generator, p["dtype"])
        for view, h, length in zip(
            p["views"], (heads, kv_heads, kv_heads), (p["q_len"], p["k_len"], p["k_len"])
        )
    )
    out = tileskip.attention(q, k, v, rules="causal")
    copies = [t.clone(memory_format=torch.contiguous_format) for t in (q, k, v)]
    assert torch.equal(out, tileskip.attention(*copies, rules="causal"))
