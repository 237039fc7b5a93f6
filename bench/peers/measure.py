# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Times tileskip and its peers in turns on the same tensors. Run through run.py."""
import datetime
import json
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
from rows import BOUND, TYPES, Row, lines_of, progress, reference

warnings.filterwarnings("ignore")
ROOT = pathlib.Path(__file__).resolve().parents[2]
GEMM_SIDE = 2048
PAUSE = 0.05  # seconds before each run: the threads of the one before may still spin
WAKE = 0.02  # seconds of untimed runs before a timed one: all cores are awake then


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
        self.bias = row.bias(kind)
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
            attention = tileskip_c.Attention(ts, self.q, self.k, self.v, out, **options)
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
                    wake_up(run)
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


def wake_up(run):
    """At least one run, and as many as it takes for a core that slept to have joined."""
    begin = time.perf_counter()
    run()
    while time.perf_counter() - begin < WAKE:
        run()


def machine_of(command, threads):
    """What `tileskip bench` says of the machine, measured now: the best of three, since a core that
    slept may join late."""
    ask = [command, "bench", "--device", "cpu", "--threads", str(threads), "--json",
           "--problem", "h1/1 q64 k64 d64 f32"]
    said = [subprocess.run(ask, check=True, capture_output=True, text=True) for _ in range(3)]
    return max((json.loads(s.stdout)["machine"] for s in said), key=lambda m: m["peak_gflops"])


def result_of(contest, machine, rounds, budget):
    row, dtype = contest.row, contest.dtype
    seconds, errors = contest.time(rounds, budget), contest.errors()
    flop = 4.0 * row.heads * row.dim * row.pairs()
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
    lines = lines_of("rows.txt")
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
