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
import os
import pathlib
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build" / "peers"
RESULTS = BUILD / "results.json"
PEERS = ["torch sdpa", "sdpa + mask", "flex", "ggml"]


def environment():
    """The virtual environment's python, made and filled on first use."""
    python = BUILD / "venv" / "bin" / "python"
    stamp = BUILD / "installed.txt"
    wanted = (HERE / "requirements.txt").read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    BUILD.mkdir(parents=True, exist_ok=True)
    print("peers: installing torch and ggml into build/peers/venv (minutes)", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", BUILD / "venv"], check=True)
    # ggml is compiled here, for this machine: what its users have at best.
    env = dict(os.environ, CMAKE_ARGS="-DGGML_NATIVE=ON")
    with open(BUILD / "install.log", "w") as log:
        done = subprocess.run([python, "-m", "pip", "install", "-r", HERE / "requirements.txt"],
                              env=env, stdout=log, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        sys.exit(f"peers: pip failed, see {BUILD / 'install.log'}")
    stamp.write_text(wanted)
    return python


def pinned(package):
    for line in (HERE / "requirements.txt").read_text().splitlines():
        if line.startswith(package + "=="):
            return line.partition("==")[2]
    return "?"


def merge(new):
    """Puts new results into those kept, the same row and type replaced."""
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"results": []}
    key = lambda r: (r["problem"], r["dtype"])
    results = {key(r): r for r in kept["results"]}
    results.update({key(r): r for r in new["results"]})
    lines = [x for x in (HERE / "rows.txt").read_text().splitlines() if x and x[0] != "#"]
    order = {text: i for i, text in enumerate(lines)}
    rows = [r for r in results.values() if r["problem"] in order]
    rows.sort(key=lambda r: (order[r["problem"]], ["f32", "bf16", "f16"].index(r["dtype"])))
    whole = {"machine": new["machine"], "results": rows}
    RESULTS.write_text(json.dumps(whole, indent=1))
    return whole


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


def report(whole, markdown):
    m = whole["machine"]
    head = ["problem", "type", "tileskip", "+ scan", *PEERS, "× best", "of GEMM", "of peak",
            "of read", "agree"]
    rows = [head] + [table_row(r) for r in whole["results"]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    print(f"{m['description']}: peak f32 {m['peak_gflops']:.0f}, bf16 {m['peak_bf16_gflops']:.0f} "
          f"GFLOP/s, read {m['read_gbs']:.1f} GB/s; tileskip {m['tileskip']}, torch {m['torch']}, "
          f"ggml {m['ggml']}. GFLOP/s on visible pairs, medians.\n")
    for i, row in enumerate(rows):
        cells = [c.ljust(w) if j < 2 else c.rjust(w) for j, (c, w) in enumerate(zip(row, widths))]
        print("| " + " | ".join(cells) + " |" if markdown else "  ".join(cells))
        if markdown and i == 0:
            print("|" + "|".join("---" if j < 2 else "--:" for j in range(len(head))) + "|")
    for r in whole["results"]:
        for name, why in r["failed"].items():
            print(f"\n{name} cannot run {r['problem']} in {r['dtype']}: {why}")


def rows_of(text):
    chosen = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        chosen |= set(range(int(first), int(last or first) + 1))
    return sorted(chosen)


def main():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("--quick", action="store_true", help="fewer rounds, without FlexAttention")
    p.add_argument("--rows", type=rows_of, default=[], help="lines of rows.txt, e.g. 1-3,8")
    p.add_argument("--types", default="f32,bf16,f16", help="of f32, bf16, f16")
    p.add_argument("--rounds", type=int, default=7, help="at most; 3 at least are run")
    p.add_argument("--threads", type=int, default=0, help="default: all")
    p.add_argument("--prepare", action="store_true", help="install and compile, time nothing")
    p.add_argument("--report", action="store_true", help="print what is kept, run nothing")
    p.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    a = p.parse_args()
    if a.report:
        return report(json.loads(RESULTS.read_text()), a.markdown)
    python = environment()
    out = BUILD / "new.json"
    options = {"rows": a.rows, "types": a.types.split(","), "threads": a.threads,
               "flex": not a.quick, "rounds": 0 if a.prepare else 3 if a.quick else a.rounds,
               "budget": 2 if a.quick else 6, "ggml": pinned("ggml-py"), "out": str(out)}
    # Tensors in huge pages, as tileskip's own buffers and the measure of the read rate have it.
    env = dict(os.environ, TORCHINDUCTOR_CACHE_DIR=str(BUILD / "inductor"),
               THP_MEM_ALLOC_ENABLE="1")
    out.unlink(missing_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("peers: ended before the last row"))
    child = subprocess.Popen([python, HERE / "measure.py", json.dumps(options)], env=env)
    try:
        if child.wait() != 0:
            sys.exit("peers: measure.py failed")
    finally:  # what was measured until then is kept
        child.kill()
        if out.exists():
            report(merge(json.loads(out.read_text())), a.markdown)


if __name__ == "__main__":
    main()
