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

import flex
import ggml_c
import tileskip_c
from rows import BOUND, TYPES, Row, lines_of, progress, reference

warnings.filterwarnings("ignore")
ROOT = pathlib.Path(__file__).resolve().parents[2]
GEMM_SIDE = 2048
STEP = 0.01  # seconds; a process is at rest that computes for less than a tenth of one
WAKE = 0.02  # seconds of untimed runs before a timed one: all cores are awake then


class Contest:
    """A row in one type: everyone who can run it, each as (run, output).

    no_flex: None where FlexAttention is compiled for it, "" where it is not wanted, else why not.
    """

    def __init__(self, row, dtype, ts, ggml, threads, no_flex):
        self.row, self.dtype, self.failed, self.threads = row, dtype, {}, threads
        self.q, self.k, self.v = row.inputs(dtype)
        self.seen = row.visible()
        self.bias = row.bias(TYPES[dtype])
        self.runs = {}
        self.add_tileskip(ts)
        if dtype != "f16":
            self.add_torch(no_flex)
            self.add_ggml(ggml)

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
            self.failed[name] = flex.sentence(error)

    def add_torch(self, no_flex):
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
        if no_flex:
            self.failed["flex"] = no_flex
        elif no_flex is None and not row.tensor:
            attention = flex.attention(row)
            self.add("flex", lambda: attention(q, k, v))

    def add_ggml(self, ggml):
        if ggml is None:
            return
        attention = ggml_c.Attention(ggml, self.q, self.k, self.v, self.bias, self.threads)
        self.runs["ggml"] = (attention.run, lambda: attention.output(torch))
        self.ggml = attention

    def add_one_thread(self, ts):
        """The same with one thread, timed along."""
        out = torch.empty_like(self.q)
        mask = {"tensor": self.bias, "keep_map": True} if self.row.tensor else {"rules": self.row.rules}
        attention = tileskip_c.Attention(ts, self.q, self.k, self.v, out, **mask)
        self.runs["tileskip, 1 thread"] = (attention.run, lambda: out)

    def close(self):
        if hasattr(self, "ggml"):
            self.ggml.close()

    def timed(self):
        """What is run in turns: everyone, and a GEMM of the same type.

        Beside f16 that is one of f32: torch's in f16 takes minutes on a CPU without such products.
        """
        a = torch.randn(GEMM_SIDE, GEMM_SIDE)
        a = a.bfloat16() if self.dtype == "bf16" else a
        b, c = a.T.contiguous(), torch.empty_like(a)
        runs = {name: run for name, (run, _) in self.runs.items()}
        runs["gemm"] = lambda: torch.mm(a, b, out=c)
        if "tileskip, 1 thread" in runs:
            runs["gemm, 1 thread"] = runs["gemm"]
        return runs

    def time(self, rounds, budget):
        """Median seconds of each, one run of each a round, for at most `budget` seconds."""
        runs = self.timed()
        seconds = {name: [] for name in runs}
        with torch.no_grad():
            start = time.perf_counter()
            for done in range(rounds):
                if done >= 3 and time.perf_counter() - start > budget:
                    break
                for name, run in runs.items():
                    torch.set_num_threads(1 if "1 thread" in name else self.threads)
                    rest()
                    wake_up(run)
                    begin = time.perf_counter()
                    run()
                    seconds[name].append(time.perf_counter() - begin)
        torch.set_num_threads(self.threads)
        return {name: statistics.median(times) for name, times in seconds.items()}

    def errors(self):
        """Worst distance from the reference of each, as a share of the largest |V|."""
        exact = reference(self.q, self.k, self.v, self.seen)
        largest = self.v.abs().max().item()
        return {name: (output().double() - exact).abs().max().item() / largest
                for name, (_, output) in self.runs.items()}


def rest():
    """Sleeps until no thread of this process computes: those of the run before may spin for a while,
    on the cores that the next one needs."""
    for _ in range(100):
        computed = time.process_time()
        time.sleep(STEP)
        if time.process_time() - computed < STEP / 10:
            return
    raise RuntimeError("the threads of a run that has ended still compute after a second")


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
    gemm = {name: 2.0 * GEMM_SIDE**3 / seconds.pop(name) * 1e-9
            for name in list(seconds) if name.startswith("gemm")}
    peak = machine["peak_bf16_gflops"] if dtype == "bf16" else 0
    element = 4 if dtype == "f32" else 2
    kv_bytes = 2.0 * row.kv_heads * row.k_len * row.dim * element
    return {
        "problem": row.text, "dtype": dtype, "seconds": seconds,
        "gflops": {name: flop / s * 1e-9 for name, s in seconds.items()},
        "gemm_gflops": gemm["gemm"], "gemm_gflops_1": gemm.get("gemm, 1 thread"), "peak_gflops": peak or machine["peak_gflops"],
        "read_gbs": machine["read_gbs"], "kv_gbs": kv_bytes / seconds["tileskip"] * 1e-9,
        "errors": errors, "failed": contest.failed,
        "agree": all(e <= BOUND["ggml" if name == "ggml" else dtype] for name, e in errors.items()),
        "date": datetime.date.today().isoformat(),
    }


def main():
    options = json.loads(sys.argv[1])
    threads = options["threads"] or len(os.sched_getaffinity(0))
    lines = lines_of("rows.txt")
    chosen = [i for i in range(len(lines)) if not options["rows"] or i + 1 in options["rows"]]
    jobs = [(lines[i], dtype) for i in chosen for dtype in options["types"]]
    no_flex = {job: "" for job in jobs}
    if options["flex"]:
        progress("peers: FlexAttention is compiled for each row (minutes)")
        to_compile = [job for job in jobs if job[1] != "f16" and not Row(job[0]).tensor]
        failed = flex.prepare(to_compile, threads)
        no_flex = {job: failed.get(job) for job in jobs}
    if options["rounds"] == 0:
        return
    torch.set_num_threads(threads)
    ggml = ggml_c.load()
    library = str(ROOT / "build/release/src/libtileskip.so")
    ts = tileskip_c.Tileskip(library, threads)
    one = tileskip_c.Tileskip(library, 1) if options["one_thread"] else None
    machine = machine_of(str(ROOT / "build/release/cli/tileskip"), threads)
    machine.update(torch=torch.__version__, ggml="none" if ggml is None else options["ggml"],
                   tileskip=ts.lib.tskip_version().decode())
    results = []
    for done, (line, dtype) in enumerate(jobs):
        progress(f"peers [{done}/{len(jobs)}] {dtype} {line}")
        contest = Contest(Row(line), dtype, ts, ggml, threads, no_flex[line, dtype])
        if one and contest.row.q_len > 16:
            contest.add_one_thread(one)
        results.append(result_of(contest, machine, options["rounds"], options["budget"]))
        pathlib.Path(options["out"]).write_text(
            json.dumps({"machine": machine, "results": results}))
        contest.close()
    progress("")


if __name__ == "__main__":
    main()
