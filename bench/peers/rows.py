# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""The rows that peers are timed on, their masks, and the reference."""
import math
import pathlib
import re
import sys

import torch

TYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
# Worst |output - f64 reference| that counts as agreement, as a share of the largest |V|: rounding
# of P and of the output to the type, with room for orders of summation; ggml adds up V in f16.
BOUND = {"f32": 2e-5, "bf16": 2**-7, "f16": 2**-10, "ggml": 2**-7}
PAIRS_AT_ONCE = 1 << 27


def progress(text):
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K" + text[:100])
        sys.stderr.flush()


def lines_of(name):
    text = pathlib.Path(__file__).with_name(name).read_text()
    return [x for x in text.splitlines() if x and not x.startswith("#")]


class Row:
    """A line of a file of rows."""

    def __init__(self, text):
        self.text = text
        self.rules, self.tensor, self.kernels, self.tile = None, False, None, None
        for word in text.split():
            name, _, value = word.partition("=")
            if name == "rules":
                self.rules = value
            elif name == "mask":
                self.tensor = True
            elif name == "kernels":
                self.kernels = value
            elif name == "tile":
                self.tile = tuple(map(int, value.split("x")))
            elif word[0] == "h":
                self.heads, self.kv_heads = map(int, word[1:].split("/"))
            elif word[0] in "qkd":
                setattr(self, {"q": "q_len", "k": "k_len", "d": "dim"}[word[0]], int(word[1:]))
        parts = dict(p.partition("=")[::2] for p in (self.rules or "").split(",") if p)
        numbers = lambda name: [s for s in parts.get(name, "").split("+") if s]
        self.causal = "causal" in parts
        self.window = int(parts.get("window", 0))
        self.images = [tuple(map(int, s.split(":"))) for s in numbers("images")]
        self.segments = [int(s) for s in numbers("segments")]

    def shrunk(self, tokens):
        """The same kind of row with at most so many tokens, to try a script out."""
        words = []
        for word in self.text.split():
            if word[0] in "qk" and word[1:].isdigit():
                word = word[0] + str(min(int(word[1:]), tokens))
            half = tokens // 2
            word = re.sub(r"images=[^,]*", f"images=8:{half}", word)
            words.append(re.sub(r"segments=[^,]*", f"segments={half}+{tokens - half}", word))
        return Row(" ".join(words))

    def inputs(self, dtype):
        """q, k and v, the same every time."""
        torch.manual_seed(1)
        make = lambda heads, rows: torch.randn(1, heads, rows, self.dim).to(TYPES[dtype])
        return (make(self.heads, self.q_len), make(self.kv_heads, self.k_len),
                make(self.kv_heads, self.k_len))

    def image_of(self, device="cpu"):
        """The image that each position lies in, -1 outside."""
        image = torch.full((max(self.q_len, self.k_len),), -1, dtype=torch.int32, device=device)
        for number, (start, end) in enumerate(self.images):
            image[start:end] = number
        return image

    def segment_of(self, device="cpu"):
        lengths = torch.tensor(self.segments, device=device)
        return torch.arange(len(self.segments), device=device).repeat_interleave(lengths)

    def visible(self, p=None, device="cpu"):
        """What the query rows p (default: all) see, as [len(p), k] booleans; None: everything."""
        if not self.rules:
            return None
        if p is None:
            p = torch.arange(self.q_len, device=device)
        p, x = p.int()[:, None], torch.arange(self.k_len, device=device, dtype=torch.int32)[None]
        seen = x <= p if self.causal else torch.ones(len(p), self.k_len, dtype=torch.bool,
                                                     device=device)
        if self.images:
            image = self.image_of(device)
            seen = seen | ((image[p] == image[x]) & (image[p] >= 0))
        if self.segments:
            segment = self.segment_of(device)
            seen = seen & (segment[p] == segment[x])
        return seen & (p - x < self.window) if self.window else seen

    def chunks(self, device="cpu"):
        """All query rows, as many at once as memory takes."""
        return torch.arange(self.q_len, device=device).split(max(1, PAIRS_AT_ONCE // self.k_len))

    def pairs(self, device="cpu"):
        if not self.rules:
            return self.q_len * self.k_len
        return sum(int(self.visible(p, device).sum()) for p in self.chunks(device))

    def bias(self, kind, device="cpu"):
        """The mask as a tensor that is added to the scores; None without a mask."""
        if not self.rules:
            return None
        out = torch.zeros(self.q_len, self.k_len, dtype=kind, device=device)
        for p in self.chunks(device):
            out[p[0]:p[-1] + 1].masked_fill_(~self.visible(p, device), -math.inf)
        return out

    def mask_function(self, device="cpu"):
        """The mask as FlexAttention takes it."""
        image, window, causal = self.image_of(device), self.window, self.causal
        if self.segments:
            segment = self.segment_of(device)
            return lambda b, h, p, x: (x <= p) & (segment[p] == segment[x])
        if self.images:
            reach = window or self.q_len
            return lambda b, h, p, x: (((x <= p) | ((image[p] == image[x]) & (image[p] >= 0)))
                                       & (p - x < reach))
        if window:
            return lambda b, h, p, x: (x <= p) & (p - x < window)
        return lambda b, h, p, x: (x <= p) if causal else (x >= 0)


def reference(q, k, v, seen, rows=None):
    """In double, a head at a time; the inputs are the rounded ones. rows: only these of q, seen is
    theirs."""
    if rows is not None:
        q = q[:, :, rows]
    out = torch.empty(*q.shape[:3], v.shape[3], dtype=torch.float64, device=q.device)
    for head in range(q.shape[1]):
        group = head // (q.shape[1] // k.shape[1])
        scores = q[0, head].double() @ k[0, group].double().T * q.shape[3] ** -0.5
        if seen is not None:
            scores.masked_fill_(~seen, -math.inf)
        out[0, head] = torch.softmax(scores, -1) @ v[0, group].double()
    return out
