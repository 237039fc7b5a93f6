# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Small random models of every kind of mask: attn_implementation="tileskip" beside eager and sdpa."""
import warnings

import pytest
import torch
import transformers as tr

import tileskip
import tileskip.transformers as tt
from target import DEVICE, cache_argument
from tileskip import _transformers_mask

tt.register()
SMALL = dict(
    vocab_size=97, hidden_size=64, intermediate_size=96, num_hidden_layers=4, num_attention_heads=4,
    num_key_value_heads=2, initializer_range=0.3, pad_token_id=0, bos_token_id=1, eos_token_id=None,
)
TYPES = ["sliding_attention", "full_attention"] * 2


def gemma4_text(**more):
    return tr.Gemma4TextConfig(
        **SMALL, head_dim=256, global_head_dim=512, sliding_window=24, layer_types=TYPES,
        vocab_size_per_layer_input=97, hidden_size_per_layer_input=8, **more,
    )


CONFIGS = {
    "llama": lambda: tr.LlamaConfig(**SMALL),
    "gemma 4": gemma4_text,
    "gemma 4, shared kv": lambda: gemma4_text(num_kv_shared_layers=2),
    "gemma 3": lambda: tr.Gemma3TextConfig(**SMALL, head_dim=32, sliding_window=24, layer_types=TYPES),
    "gemma 2": lambda: tr.Gemma2Config(
        **SMALL, head_dim=32, sliding_window=24, layer_types=TYPES, attn_logit_softcapping=3.0,
        query_pre_attn_scalar=9,
    ),
    "gpt-oss": lambda: tr.GptOssConfig(
        **SMALL, head_dim=32, sliding_window=24, layer_types=TYPES, num_local_experts=4, num_experts_per_tok=2,
    ),
    "mistral": lambda: tr.MistralConfig(**SMALL, sliding_window=24),
    "llama 4": lambda: tr.Llama4TextConfig(
        **SMALL, head_dim=16, intermediate_size_mlp=96, attention_chunk_size=24, num_local_experts=2,
        layer_types=["chunked_attention", "full_attention"] * 2, no_rope_layers=[1, 0, 1, 0],
    ),
    "qwen 2": lambda: tr.Qwen2Config(**SMALL),
}
WITHOUT_SDPA = {"gemma 2", "gpt-oss"}
_built = {}


def model(name):
    if name not in _built:
        torch.manual_seed(0)
        made = tr.AutoModelForCausalLM.from_config(CONFIGS[name](), attn_implementation="eager")
        for layer, parameter in made.named_parameters():
            if layer.endswith("sinks"):
                torch.nn.init.normal_(parameter, std=2)
        _built[name] = made.eval()
    return _built[name]


def implementations(name):
    return ("eager", "tileskip") if name in WITHOUT_SDPA else ("eager", "sdpa", "tileskip")


@pytest.fixture(scope="module")
def one_thread():
    """Threads that wait for each other only slow down models as small as these."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def no_mask_tensor(monkeypatch, one_thread):
    """Nothing here may fall back to a mask of q × k cells."""

    def refuse(self):
        raise AssertionError(f"a tensor was made of {self!r}")

    monkeypatch.setattr(tt.RuleMask, "dense", refuse)
    _transformers_mask.warn_once.cache_clear()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.filterwarnings("error", message="tileskip")
        yield


def tokens(batch, length, seed=0):
    return torch.randint(2, 97, (batch, length), generator=torch.Generator(DEVICE).manual_seed(seed))


def near(got, expected, seen=None):
    """Largest difference against largest value, over the tokens that are there. `eager` itself lies
    up to 3e-5 from the same model in float64 (Gemma 4), tileskip up to 2.2e-5."""
    got, expected = got.float(), expected.float()
    if seen is not None:
        got, expected = got[seen], expected[seen]
    assert torch.isfinite(got).all()
    assert (got - expected).abs().max() < 6e-5 * expected.abs().max()


def padded(batch, length, side):
    seen = torch.ones(batch, length, dtype=torch.long)
    for entry, n in enumerate((0, 29, 5)[:batch]):
        seen[entry, slice(None, n) if side == "left" else slice(length - n, None)] = 0
    return seen


@pytest.mark.parametrize("padding", [None, "left", "right"])
@pytest.mark.parametrize("name", CONFIGS)
def test_logits(name, padding):
    ids = tokens(3, 71)
    seen = None if padding is None else padded(3, 71, padding)
    out = {}
    for implementation in implementations(name):
        model(name).set_attn_implementation(implementation)
        out[implementation] = model(name)(input_ids=ids, attention_mask=seen, use_cache=False).logits
    for other in out:
        near(out[other], out["eager"], None if seen is None else seen.bool())
    if padding == "left":
        whole = model(name)(input_ids=ids, use_cache=False).logits
        assert (whole - out["eager"])[seen.bool()].abs().max() > 1e-2


@pytest.mark.parametrize("name", [name for name in CONFIGS if name not in ("llama", "qwen 2")])
def test_window_softcap_and_sinks_matter(name, monkeypatch):
    """What the other tests compare would differ if a window, chunk, softcap or sink were lost."""
    made, ids = model(name), tokens(1, 71)
    made.set_attn_implementation("tileskip")
    before = made(input_ids=ids, use_cache=False).logits

    def differs():
        return (made(input_ids=ids, use_cache=False).logits - before).abs().max() > 1e-2

    for limit in ("sliding_window", "attention_chunk_size"):
        if getattr(made.config, limit, None):
            with monkeypatch.context() as patch:
                patch.setattr(made.config, limit, 1000)
                assert differs(), limit
    for layer in made.model.layers:
        if name == "gemma 2":
            monkeypatch.setattr(layer.self_attn, "attn_logit_softcapping", None)
        if name == "gpt-oss":
            monkeypatch.setattr(layer.self_attn.sinks, "data", torch.full((4,), -100.0))
    assert differs() == (name in ("gemma 2", "gpt-oss"))


@pytest.mark.parametrize("cache", ["dynamic", "static"])
@pytest.mark.parametrize("name", CONFIGS)
def test_greedy_text(name, cache):
    ids, seen = tokens(3, 40), padded(3, 40, "left")
    text = {}
    for implementation in implementations(name):
        model(name).set_attn_implementation(implementation)
        text[implementation] = model(name).generate(
            input_ids=ids, attention_mask=seen, max_new_tokens=30, do_sample=False,
            cache_implementation=cache, disable_compile=True,
        )
    for other in text.values():
        assert torch.equal(other, text["eager"])


@pytest.mark.parametrize("kind", ["dynamic", "static"])
@pytest.mark.parametrize("name", CONFIGS)
def test_chunked_prefill(name, kind):
    """A cache already filled: 71 tokens in pieces, one of them longer than the window."""
    ids, seen = tokens(2, 71), padded(2, 71, "left")
    out = {}
    for implementation in implementations(name):
        model(name).set_attn_implementation(implementation)
        config = model(name).config
        cache = tr.DynamicCache(config=config) if kind == "dynamic" else tr.StaticCache(config=config, max_cache_len=90)
        pieces = []
        for start, end in ((0, 17), (17, 50), (50, 51), (51, 71)):
            pieces.append(
                model(name)(
                    input_ids=ids[:, start:end], attention_mask=seen[:, :end], use_cache=True,
                    **cache_argument(model(name), cache),
                ).logits
            )
        out[implementation] = torch.cat(pieces, 1)
    for other in out.values():
        near(other, out["eager"], seen.bool())


def test_packed_sequences():
    lengths = (20, 1, 33, 17)
    positions = torch.cat([torch.arange(n) for n in lengths])[None]
    ids = tokens(1, sum(lengths))
    for name in ("qwen 2", "mistral", "llama 4", "gemma 2"):
        out = {}
        for implementation in implementations(name):
            model(name).set_attn_implementation(implementation)
            out[implementation] = model(name)(input_ids=ids, position_ids=positions, use_cache=False).logits
        alone = torch.cat(
            [model(name)(input_ids=part, use_cache=False).logits for part in ids.split(lengths, 1)], 1
        )
        for other in (*out.values(), alone):
            near(other, out["eager"])


def test_one_map_a_kind_and_forward(monkeypatch):
    built = []
    build = tileskip.TileMap._build.__func__
    monkeypatch.setattr(
        tileskip.TileMap, "_build", classmethod(lambda cls, *a: built.append(a) or build(cls, *a))
    )
    for name, kinds in (("gemma 4", 2), ("gemma 2", 2), ("mistral", 1), ("llama 4", 2), ("gpt-oss", 2)):
        model(name).set_attn_implementation("tileskip")
        built.clear()
        model(name)(input_ids=tokens(2, 71), attention_mask=padded(2, 71, "left"), use_cache=False)
        assert len(built) == kinds, name


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(dtype):
    """As far from float32 as eager is, or less."""
    ids = tokens(2, 71)
    for name in ("gemma 2", "mistral"):
        model(name).set_attn_implementation("eager")
        exact = model(name)(input_ids=ids, use_cache=False).logits
        half, errors = model(name).to(dtype), {}
        try:
            for implementation in ("eager", "tileskip"):
                half.set_attn_implementation(implementation)
                out = half(input_ids=ids, use_cache=False).logits.float()
                errors[implementation] = (out - exact).abs().max()
        finally:
            del _built[name]
        assert errors["tileskip"] < 1.5 * errors["eager"] < 0.5 * exact.abs().max()


# ---- images -------------------------------------------------------------------------------------

IMAGE = 95


def gemma4_with_images():
    text = gemma4_text(use_bidirectional_attention="vision")
    vision = tr.Gemma4VisionConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, head_dim=16, patch_size=4, pooling_kernel_size=2,
        position_embedding_size=64,
    )
    torch.manual_seed(0)
    return tr.Gemma4ForConditionalGeneration(
        tr.Gemma4Config(
            text_config=text, vision_config=vision, audio_config=None, image_token_id=IMAGE,
            video_token_id=94, boi_token_id=93, eoi_token_id=92, initializer_range=0.3,
        )
    ).eval()


def prompt_with_images():
    """Two prompts of text with images of 30 and 12 tokens; the second is padded on the left."""
    ids = tokens(2, 90).clamp(max=90)
    for entry, spans in enumerate((((5, 35), (50, 62)), ((20, 50), (55, 67)))):
        for start, end in spans:
            ids[entry, start:end] = IMAGE
    seen = torch.ones_like(ids)
    seen[1, :9] = 0
    pixels = torch.rand(4, 120, 48, generator=torch.Generator(DEVICE).manual_seed(1))
    positions = torch.full((4, 120, 2), -1)
    for image, (columns, rows) in enumerate(((10, 12), (6, 8)) * 2):  # patches; 2 × 2 make a token
        grid = torch.meshgrid(torch.arange(columns), torch.arange(rows), indexing="xy")
        positions[image, : columns * rows] = torch.stack(grid, -1).reshape(-1, 2)
    return {
        "input_ids": ids,
        "attention_mask": seen,
        "mm_token_type_ids": (ids == IMAGE).long(),
        "pixel_values": pixels,
        "image_position_ids": positions,
    }


def test_gemma4_text_and_images(monkeypatch):
    made, inputs = gemma4_with_images(), prompt_with_images()
    masks = []
    original = tt.RuleMask.tile_map
    monkeypatch.setattr(
        tt.RuleMask, "tile_map", lambda self, tile: masks.append(self) or original(self, tile)
    )
    seen, logits, text = inputs["attention_mask"].bool(), {}, {}
    for implementation in ("eager", "sdpa", "tileskip"):
        made.set_attn_implementation(implementation)
        logits[implementation] = made(**inputs, use_cache=False).logits
        for cache in ("dynamic", "static"):
            text[implementation, cache] = made.generate(
                **inputs, max_new_tokens=20, do_sample=False, cache_implementation=cache,
                disable_compile=True,
            )
    for implementation in logits:
        near(logits[implementation], logits["eager"], seen)
    for other in text.values():
        assert torch.equal(other, text["eager", "dynamic"])
    rules = {mask.rules for mask in masks}
    assert "causal,window=24,images=5:35+50:62/20:50+55:67,kstart=0/9" in rules
    assert "causal,kstart=0/9" in rules
    assert "klen=120/48/120/48" in rules  # the vision tower
    inputs["mm_token_type_ids"] = torch.zeros_like(inputs["input_ids"])
    assert (made(**inputs, use_cache=False).logits - logits["eager"])[seen].abs().max() > 1e-2
