# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Times tileskip and its peers in turns on the same tensors. Run through run.py."""
import datetime
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import time
import warnings

import torch
import torch.nn.functional as F
from torch.nn.attention.flex_attention import create_block_mask, flex_attention

import ggml_c
import tileskip_c

warnings.filterwarnings("ignore")
ROOT = pathlib.Path(__file__).resolve().parents[2]
TYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
# Worst |output - f64 reference| that counts as agreement, as a share of the largest |V|: rounding
# of P and of the output to the type, with room for orders of summation; ggml adds up V in f16.
BOUND = {"f32": 2e-5, "bf16": 2**-7, "f16": 2**-10, "ggml": 2**-7}
GEMM_SIDE = 2048
PAUSE = 0.05  # seconds before each run: the threads of the one before may still spin


class Row:
    """A line of rows.txt."""

    def __init__(self, text):
        self.text = text
        self.rules, self.tensor = None, False
        for word in text.split():
            if word.startswith("rules="):
                self.rules = word[6:]
            elif word == "mask=tensor":
                self.tensor = True
            elif word[0] == "h":
                self.heads, self.kv_heads = map(int, word[1:].split("/"))
            elif word[0] in "qkd":
                setattr(self, {"q": "q_len", "k": "k_len", "d": "dim"}[word[0]], int(word[1:]))
        parts = dict(p.partition("=")[::2] for p in (self.rules or "").split(",") if p)
        self.causal = "causal" in parts
        self.window = int(parts.get("window", 0))
        self.images = [tuple(map(int, s.split(":"))) for s in parts.get("images", "").split("+") if s]

    def image_of(self):
        """The image that each position lies in, -1 outside."""
        image = torch.full((max(self.q_len, self.k_len),), -1, dtype=torch.int32)
        for number, (start, end) in enumerate(self.images):
            image[start:end] = number
        return image

    def visible(self):
        """The mask as a [q, k] tensor of booleans; None if every key is visible."""
        if not self.rules:
            return None
        p, x = torch.arange(self.q_len)[:, None], torch.arange(self.k_len)[None]
        seen = x <= p if self.causal else torch.ones(self.q_len, self.k_len, dtype=torch.bool)
        if self.images:
            image = self.image_of()
            seen |= (image[p] == image[x]) & (image[p] >= 0)
        return seen & (p - x < self.window) if self.window else seen

    def mask_function(self):
        """The mask as FlexAttention takes it."""
        image, window, causal = self.image_of(), self.window, self.causal
        if self.images:
            return lambda b, h, p, x: (((x <= p) | ((image[p] == image[x]) & (image[p] >= 0)))
                                       & (p - x < window))
        if window:
            return lambda b, h, p, x: (x <= p) & (p - x < window)
        return lambda b, h, p, x: (x <= p) if causal else (x >= 0)


def progress(text):
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K" + text[:100])
        sys.stderr.flush()


def reference(q, k, v, seen):
    """In double, a head at a time; the inputs are the rounded ones."""
    out = torch.empty(*q.shape[:3], v.shape[3], dtype=torch.float64)
    for head in range(q.shape[1]):
        group = head // (q.shape[1] // k.shape[1])
        scores = q[0, head].double() @ k[0, group].double().T * q.shape[3] ** -0.5
        if seen is not None:
            scores.masked_fill_(~seen, -math.inf)
        out[0, head] = torch.softmax(scores, -1) @ v[0, group].double()
    return out


class Contest:
    """A row in one type: everyone who can run it, each as (run, output)."""

    def __init__(self, row, dtype, ts, ggml, threads, flex):
        self.row, self.dtype, self.failed = row, dtype, {}
        kind = TYPES[dtype]
        torch.manual_seed(1)
        make = lambda heads, rows: torch.randn(1, heads, rows, row.dim).to(kind)
        self.q = make(row.heads, row.q_len)
        self.k, self.v = make(row.kv_heads, row.k_len), make(row.kv_heads, row.k_len)
        self.seen = row.visible()
        self.bias = None
        if self.seen is not None:
            self.bias = torch.zeros(self.seen.shape, dtype=kind).masked_fill_(~self.seen, -math.inf)
        self.runs = {}
        self.add_tileskip(ts)
        if dtype != "f16":
            self.add_torch(flex)
            self.add_ggml(ggml, threads)

    def add_tileskip(self, ts):
        row = self.row
        ways = {"tileskip": {"rules": row.rules}}
        if row.tensor:
            ways = {"tileskip": {"tensor": self.bias, "keep_map": True},
                    "tileskip, scan": {"tensor": self.bias}}
        for name, options in ways.items():
            out = torch.empty_like(self.q)
            attention = tileskip_c.Attention(ts, self.q, self.k, self.v, out, self.dtype, **options)
            self.runs[name] = (attention.run, lambda out=out: out)

    def add(self, name, function):
        """A peer that returns its output; one that cannot run this is noted and left out."""
        last = []

        def run():
            last[:] = [function()]

        try:
            with torch.no_grad():
                run()
            self.runs[name] = (run, lambda: last[0])
        except Exception as error:  # a peer may fail in any way: that is a result
            self.failed[name] = f"{type(error).__name__}: {error}".splitlines()[0][:120]

    def add_torch(self, flex):
        row, q, k, v = self.row, self.q, self.k, self.v
        gqa = row.heads != row.kv_heads
        sdpa = F.scaled_dot_product_attention
        if row.rules == "causal" and not row.tensor:
            self.add("torch sdpa", lambda: sdpa(q, k, v, is_causal=True, enable_gqa=gqa))
        if not row.rules:
            self.add("torch sdpa", lambda: sdpa(q, k, v, enable_gqa=gqa))
        if self.bias is not None:
            bias = self.bias[None, None]
            self.add("sdpa + mask", lambda: sdpa(q, k, v, attn_mask=bias, enable_gqa=gqa))
        if flex and not row.tensor:
            torch._dynamo.reset()
            compiled = torch.compile(flex_attention, dynamic=False)
            block_mask = None
            if row.rules:
                block_mask = create_block_mask(row.mask_function(), 1, 1, row.q_len, row.k_len,
                                               device="cpu")
            self.add("flex", lambda: compiled(q, k, v, block_mask=block_mask, enable_gqa=gqa))

    def add_ggml(self, ggml, threads):
        if ggml is None:
            return
        attention = ggml_c.Attention(ggml, self.q, self.k, self.v, self.bias, threads)
        self.runs["ggml"] = (attention.run, lambda: attention.output(torch))
        self.ggml = attention

    def close(self):
        if hasattr(self, "ggml"):
            self.ggml.close()

    def time(self, rounds, budget):
        """Median seconds of each, one run of each a round; a GEMM of the same type runs along.

        Beside f16 that is one of f32: torch's in f16 takes minutes on a CPU without such products.
        """
        a = torch.randn(GEMM_SIDE, GEMM_SIDE)
        a = a.bfloat16() if self.dtype == "bf16" else a
        b, c = a.T.contiguous(), torch.empty_like(a)
        runs = {name: run for name, (run, _) in self.runs.items()}
        runs["gemm"] = lambda: torch.mm(a, b, out=c)
        seconds = {name: [] for name in runs}
        with torch.no_grad():
            for run in runs.values():
                run()
            start = time.perf_counter()
            for done in range(rounds):
                if done >= 3 and time.perf_counter() - start > budget:
                    break
                for name, run in runs.items():
                    time.sleep(PAUSE)
                    begin = time.perf_counter()
                    run()
                    seconds[name].append(time.perf_counter() - begin)
        return {name: statistics.median(times) for name, times in seconds.items()}

    def errors(self):
        """Worst distance from the reference of each, as a share of the largest |V|."""
        exact = reference(self.q, self.k, self.v, self.seen)
        largest = self.v.abs().max().item()
        return {name: (output().double() - exact).abs().max().item() / largest
                for name, (_, output) in self.runs.items()}

    def pairs(self):
        return self.row.q_len * self.row.k_len if self.seen is None else int(self.seen.sum())


def machine_of(command, threads):
    """What `tileskip bench` says of the machine, measured now."""
    said = subprocess.run([command, "bench", "--device", "cpu", "--threads", str(threads), "--json",
                           "--problem", "h1/1 q64 k64 d64 f32"],
                          check=True, capture_output=True, text=True)
    return json.loads(said.stdout)["machine"]


def result_of(contest, machine, rounds, budget):
    row, dtype = contest.row, contest.dtype
    seconds, errors = contest.time(rounds, budget), contest.errors()
    flop = 4.0 * row.heads * row.dim * contest.pairs()
    gemm = 2.0 * GEMM_SIDE**3 / seconds.pop("gemm") * 1e-9
    peak = machine["peak_bf16_gflops"] if dtype == "bf16" else 0
    element = 4 if dtype == "f32" else 2
    kv_bytes = 2.0 * row.kv_heads * row.k_len * row.dim * element
    return {
        "problem": row.text, "dtype": dtype, "seconds": seconds,
        "gflops": {name: flop / s * 1e-9 for name, s in seconds.items()},
        "gemm_gflops": gemm, "peak_gflops": peak or machine["peak_gflops"],
        "read_gbs": machine["read_gbs"], "kv_gbs": kv_bytes / seconds["tileskip"] * 1e-9,
        "errors": errors, "failed": contest.failed,
        "agree": all(e <= BOUND["ggml" if name == "ggml" else dtype] for name, e in errors.items()),
        "date": datetime.date.today().isoformat(),
    }


def main():
    options = json.loads(sys.argv[1])
    threads = options["threads"] or len(os.sched_getaffinity(0))
    torch.set_num_threads(threads)
    ggml = ggml_c.load()
    ts = tileskip_c.Tileskip(str(ROOT / "build/release/src/libtileskip.so"), threads)
    machine = machine_of(str(ROOT / "build/release/cli/tileskip"), threads)
    machine.update(torch=torch.__version__, ggml="none" if ggml is None else options["ggml"],
                   tileskip=ts.lib.tskip_version().decode())
    lines = [x for x in (pathlib.Path(__file__).with_name("rows.txt").read_text().splitlines())
             if x and not x.startswith("#")]
    results = []
    chosen = [i for i in range(len(lines)) if not options["rows"] or i + 1 in options["rows"]]
    jobs = [(i, dtype) for i in chosen for dtype in options["types"]]
    for done, (i, dtype) in enumerate(jobs):
        progress(f"peers [{done}/{len(jobs)}] {dtype} {lines[i]}")
        contest = Contest(Row(lines[i]), dtype, ts, ggml, threads, options["flex"])
        if options["rounds"] > 0:
            results.append(result_of(contest, machine, options["rounds"], options["budget"]))
            pathlib.Path(options["out"]).write_text(
                json.dumps({"machine": machine, "results": results}))
        contest.close()
    progress("")


if __name__ == "__main__":
    main()
