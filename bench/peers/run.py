#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Times tileskip beside its peers: PyTorch's attention, FlexAttention and ggml.

Makes a virtual environment under build/peers with the pinned packages of requirements.txt (about
3 GB to download, since PyTorch's package brings its GPU libraries), runs everyone in turns on the
same tensors, checks all outputs against a double-precision reference, prints one table and keeps
build/peers/results.json. Rows run apart are put together there; --report prints what is kept.
"""
import argparse
import json
import sys

from results import BUILD, install, measure, pinned, print_table, rows_of

RESULTS = BUILD / "results.json"
PEERS = ["torch sdpa", "sdpa + mask", "flex", "ggml"]


def table_row(r):
    best = max((r["gflops"][p] for p in PEERS if p in r["gflops"]), default=0)
    own = r["gflops"]["tileskip"]
    number = lambda name: f"{r['gflops'][name]:.0f}" if name in r["gflops"] else "–"
    decode = int(r["problem"].split()[1][1:]) <= 16
    cells = [r["problem"], r["dtype"], f"{own:.0f}", number("tileskip, scan")]
    cells += [number(p) for p in PEERS]
    cells.append(f"{own / best:.2f}" if best else "–")
    cells.append("–" if decode else f"{100 * own / r['gemm_gflops']:.0f} %")
    cells.append("–" if decode else f"{100 * own / r['peak_gflops']:.0f} %")
    cells.append(f"{100 * r['kv_gbs'] / r['read_gbs']:.0f} %" if decode else "–")
    cells.append("yes" if r["agree"] else "NO")
    return cells


def scaling_row(r):
    one, all_ = r["gflops"]["tileskip, 1 thread"], r["gflops"]["tileskip"]
    gemm_one, gemm = r["gemm_gflops_1"], r["gemm_gflops"]
    return [r["problem"], r["dtype"], f"{one:.0f}", f"{all_:.0f}", f"{all_ / one:.1f}",
            f"{gemm_one:.0f}", f"{gemm:.0f}", f"{gemm / gemm_one:.1f}"]


def report(whole, markdown):
    m = whole["machine"]
    head = ["problem", "type", "tileskip", "+ scan", *PEERS, "× best", "of GEMM", "of peak",
            "of read", "agree"]
    rows = [table_row(r) for r in whole["results"]]
    print(f"{m['description']}: peak f32 {m['peak_gflops']:.0f}, bf16 {m['peak_bf16_gflops']:.0f} "
          f"GFLOP/s, read {m['read_gbs']:.1f} GB/s; tileskip {m['tileskip']}, torch {m['torch']}, "
          f"ggml {m['ggml']}. GFLOP/s on visible pairs, medians.\n")
    print_table(head, rows, markdown, 2)
    scaling = [scaling_row(r) for r in whole["results"] if "tileskip, 1 thread" in r["gflops"]]
    if scaling:
        print("\nWith one thread and with all, in the same rounds:\n")
        print_table(["problem", "type", "one", "all", "×", "GEMM one", "all", "×"], scaling, markdown, 2)
    for r in whole["results"]:
        for name, why in r["failed"].items():
            print(f"\n{name} cannot run {r['problem']} in {r['dtype']}: {why}")


def main():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("--quick", action="store_true", help="fewer rounds, without FlexAttention")
    p.add_argument("--rows", type=rows_of, default=[], help="lines of rows.txt, e.g. 1-3,8")
    p.add_argument("--types", default="f32,bf16,f16", help="of f32, bf16, f16")
    p.add_argument("--rounds", type=int, default=7, help="at most; 3 at least are run")
    p.add_argument("--threads", type=int, default=0, help="default: all")
    p.add_argument("--one-thread", action="store_true", help="time one thread along")
    p.add_argument("--prepare", action="store_true", help="install and compile, time nothing")
    p.add_argument("--here", action="store_true",
                   help="install nothing: the python that runs this has torch, and ggml or not")
    p.add_argument("--report", action="store_true", help="print what is kept, run nothing")
    p.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    a = p.parse_args()
    if a.report:
        return report(json.loads(RESULTS.read_text()), a.markdown)
    python = sys.executable if a.here else install("venv", "requirements.txt", "torch and ggml")
    options = {"rows": a.rows, "types": a.types.split(","), "threads": a.threads,
               "one_thread": a.one_thread, "flex": not a.quick, "rounds": 0 if a.prepare else 3 if a.quick else a.rounds,
               "budget": 2 if a.quick else 6, "ggml": pinned("ggml-py", "requirements.txt")}
    measure(python, "measure.py", options, RESULTS, "rows.txt", lambda x: report(x, a.markdown))


if __name__ == "__main__":
    main()
