# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""What transformers may hand over beside the masks it makes for decoders."""
import pytest
import torch
import transformers as tr

import tileskip.transformers as tt
from target import DEVICE
from tileskip import _transformers_mask

tt.register()
SMALL = dict(vocab_size=97, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, initializer_range=0.3)


@pytest.fixture(scope="module")
def one_thread():
    """Threads that wait for each other only slow down models as small as these."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def inference(one_thread):
    _transformers_mask.warn_once.cache_clear()
    with torch.no_grad():
        yield


def built(config, kind=tr.AutoModel):
    torch.manual_seed(0)
    return kind.from_config(config, attn_implementation="eager").eval()


def llama(kind=tr.AutoModelForCausalLM, **more):
    return built(tr.LlamaConfig(**SMALL, intermediate_size=96, num_key_value_heads=2, **more), kind)


def tokens(batch, length):
    return torch.randint(2, 97, (batch, length), generator=torch.Generator(DEVICE).manual_seed(0))


def compare(model, seen=None, implementations=("eager", "sdpa", "tileskip"), **inputs):
    out = {}
    for implementation in implementations:
        model.set_attn_implementation(implementation)
        result = model(**inputs)
        out[implementation] = result[0]
    for other in out.values():
        a, b = (other, out["eager"]) if seen is None else (other[seen], out["eager"][seen])
        assert torch.isfinite(a).all() and (a - b).abs().max() < 3e-5 * b.abs().max()
    return out["tileskip"]


PADDING = torch.tensor([[0] * 5 + [1] * 35, [1] * 27 + [0] * 13, [1] * 10 + [0] * 20 + [1] * 10])


def test_encoder():
    model = built(tr.BertConfig(**SMALL, intermediate_size=96, max_position_embeddings=64))
    whole = compare(model, input_ids=tokens(3, 40))
    padded = compare(model, PADDING.bool(), input_ids=tokens(3, 40), attention_mask=PADDING)
    assert (whole - padded)[PADDING.bool()].abs().max() > 1e-2


def test_encoder_with_local_layers():
    config = tr.ModernBertConfig(
        **{**SMALL, "num_hidden_layers": 4}, intermediate_size=96, local_attention=16, pad_token_id=0, bos_token_id=1,
        eos_token_id=2, cls_token_id=1, sep_token_id=2, global_attn_every_n_layers=2,
    )
    compare(built(config), PADDING.bool(), input_ids=tokens(3, 40), attention_mask=PADDING)


def test_text_encoder_made_of_a_decoder():
    config = tr.Gemma3TextConfig(
        **SMALL, intermediate_size=96, head_dim=16, num_key_value_heads=2, sliding_window=8,
        layer_types=["sliding_attention", "full_attention"], use_bidirectional_attention=True,
    )
    compare(built(config), PADDING.bool(), input_ids=tokens(3, 40), attention_mask=PADDING, use_cache=False)


def test_encoder_and_decoder():
    config = tr.BartConfig(
        vocab_size=97, d_model=64, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
        decoder_attention_heads=4, encoder_ffn_dim=96, decoder_ffn_dim=96, max_position_embeddings=64, init_std=0.3,
    )
    compare(
        built(config), input_ids=tokens(3, 40), attention_mask=PADDING,
        decoder_input_ids=tokens(3, 23), use_cache=False,
    )


def test_position_bias():
    config = tr.T5Config(
        vocab_size=97, d_model=64, d_kv=16, d_ff=96, num_layers=2, num_heads=4, initializer_factor=1.0
    )
    model = built(config)
    inputs = dict(
        input_ids=tokens(3, 40), attention_mask=PADDING, decoder_input_ids=tokens(3, 23), use_cache=False
    )
    out = compare(model, **inputs)
    for stack in (model.encoder, model.decoder):
        stack.block[0].layer[0].SelfAttention.relative_attention_bias.weight.zero_()
    assert (model(**inputs)[0] - out).abs().max() > 1e-2  # the bias matters


def test_vision_tower_without_a_mask():
    config = tr.SiglipVisionConfig(
        hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, image_size=32, patch_size=4
    )
    compare(built(config), pixel_values=torch.rand(2, 3, 32, 32))


@pytest.mark.parametrize("dtype", [torch.bool, torch.float32])
def test_masks_of_the_callers_own(dtype):
    model, ids = llama(), tokens(2, 40)
    seen = torch.rand(2, 1, 40, 40, generator=torch.Generator(DEVICE).manual_seed(0)) < 0.5
    seen |= torch.eye(40, dtype=torch.bool)
    mask = seen if dtype == torch.bool else torch.where(seen, torch.randn(2, 1, 40, 40), float("-inf"))
    eager = torch.where(mask, 0.0, torch.finfo(torch.float32).min) if dtype == torch.bool else mask
    model.set_attn_implementation("eager")
    expected = model(input_ids=ids, attention_mask=eager, use_cache=False)[0]
    model.set_attn_implementation("tileskip")
    got = model(input_ids=ids, attention_mask=mask, use_cache=False)[0]
    assert (got - expected).abs().max() < 3e-5 * expected.abs().max()


def test_autocast():
    model, ids = llama(), tokens(2, 40)
    out = {}
    for implementation in ("sdpa", "tileskip"):
        model.set_attn_implementation(implementation)
        with torch.autocast(DEVICE, torch.bfloat16):
            out[implementation] = model(input_ids=ids, use_cache=False)[0].float()
    assert (out["sdpa"] - out["tileskip"]).abs().max() < 0.05 * out["sdpa"].abs().max()


def test_compiled_without_graph_breaks():
    for padding in (None, PADDING):
        model = llama()
        model.set_attn_implementation("tileskip")
        inputs = dict(input_ids=tokens(3, 40), attention_mask=padding, use_cache=False)
        expected = model(**inputs)[0]
        got = torch.compile(model, fullgraph=True, backend="aot_eager")(**inputs)[0]
        seen = slice(None) if padding is None else padding.bool()
        assert (got - expected)[seen].abs().max() < 3e-5 * expected.abs().max()


def test_compiled_decoding_with_a_static_cache():
    model, ids = llama(pad_token_id=0, bos_token_id=1, eos_token_id=None), tokens(3, 20)
    seen = torch.ones_like(ids)
    seen[0, :4] = 0
    model.set_attn_implementation("tileskip")
    asked = dict(input_ids=ids, attention_mask=seen, max_new_tokens=12, do_sample=False)
    expected = model.generate(**asked)
    model.forward = torch.compile(model.forward, backend="aot_eager")
    assert torch.equal(model.generate(**asked, cache_implementation="static"), expected)


def test_assisted_and_beam_search():
    model, ids = llama(pad_token_id=0, bos_token_id=1, eos_token_id=None), tokens(1, 20)
    draft = llama(pad_token_id=0, bos_token_id=1, eos_token_id=None)
    for more in ({"num_beams": 3}, {"assistant_model": draft}, {"prompt_lookup_num_tokens": 3}):
        text = {}
        for implementation in ("eager", "tileskip"):
            model.set_attn_implementation(implementation)
            draft.set_attn_implementation(implementation)
            text[implementation] = model.generate(input_ids=ids, max_new_tokens=16, do_sample=False, **more)
        assert torch.equal(text["tileskip"], text["eager"])


def test_refusals():
    model, ids = llama(attention_dropout=0.5), tokens(2, 40)
    model.set_attn_implementation("tileskip")
    with torch.enable_grad(), pytest.raises(RuntimeError, match="no gradients"):
        model(input_ids=ids)
    with pytest.raises(ValueError, match="dropout is 0.5"):
        model.train()(input_ids=ids)
    q = torch.randn(1, 4, 8, 16)
    with pytest.raises(ValueError, match="paged"):
        tt.attention_forward(model, q, q, q, None, block_table=torch.zeros(1))
    mask = tt.make_mask(batch_size=1, q_length=8, kv_length=9)
    with pytest.raises(ValueError, match="8 queries and 9 keys, expected 8 and 8"):
        tt.attention_forward(model, q, q, q, mask)


def test_a_model_that_makes_no_mask():
    """None stands for causal as sdpa has it, and the window is flash attention's."""
    model = torch.nn.Module()
    q, k = torch.randn(1, 4, 20, 16), torch.randn(1, 4, 30, 16)
    distance = torch.arange(20)[:, None] - torch.arange(30)[None]
    for causal, window, seen in (
        (True, None, distance >= 0),
        (True, 5, (distance >= 0) & (distance < 5)),
        (False, None, distance < 99),
        (False, 5, distance.abs() < 5),
        (False, 1, distance == 0),
    ):
        model.is_causal = causal
        out, weights = tt.attention_forward(model, q, k, k, None, sliding_window=window)
        expected = torch.nn.functional.scaled_dot_product_attention(q, k, k, attn_mask=seen)
        assert weights is None and out.is_contiguous() and out.shape == (1, 20, 4, 16)
        assert (out.transpose(1, 2) - expected).abs().max() < 1e-5
        last, _ = tt.attention_forward(model, q[:, :, :1], k, k, None)
        whole = torch.nn.functional.scaled_dot_product_attention(q[:, :, :1], k, k)
        assert (last.transpose(1, 2) - whole).abs().max() < 1e-5
