# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Where peers are installed, what is kept of measurements, and how it is printed."""
import json
import os
import pathlib
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build" / "peers"


def installed(name, requirements):
    """The python of the virtual environment, or None if it is not (or no longer) as asked for."""
    stamp = BUILD / f"{name}.txt"
    good = stamp.exists() and stamp.read_text() == (HERE / requirements).read_text()
    return BUILD / name / "bin" / "python" if good else None


def install(name, requirements, what):
    """The virtual environment's python, made and filled on first use."""
    python = installed(name, requirements)
    if python:
        return python
    python = BUILD / name / "bin" / "python"
    BUILD.mkdir(parents=True, exist_ok=True)
    print(f"peers: installing {what} into build/peers/{name} (minutes)", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", BUILD / name], check=True)
    # ggml is compiled here, for this machine: what its users have at best.
    env = dict(os.environ, CMAKE_ARGS="-DGGML_NATIVE=ON")
    with open(BUILD / "install.log", "w") as log:
        done = subprocess.run([python, "-m", "pip", "install", "-r", HERE / requirements],
                              env=env, stdout=log, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        sys.exit(f"peers: pip failed, see {BUILD / 'install.log'}")
    (BUILD / f"{name}.txt").write_text((HERE / requirements).read_text())
    return python


def pinned(package, requirements):
    for line in (HERE / requirements).read_text().splitlines():
        if line.startswith(package + "=="):
            return line.partition("==")[2]
    return "?"


def merge(new, kept_at, rows_file):
    """Puts new results into those kept, the same row and type replaced."""
    kept = json.loads(kept_at.read_text()) if kept_at.exists() else {"results": []}
    key = lambda r: (r["problem"], r["dtype"])
    results = {key(r): r for r in kept["results"]}
    results.update({key(r): r for r in new["results"]})
    lines = [x for x in (HERE / rows_file).read_text().splitlines() if x and x[0] != "#"]
    order = {text: i for i, text in enumerate(lines)}
    rows = [r for r in results.values() if r["problem"] in order]
    rows.sort(key=lambda r: (order[r["problem"]], ["f32", "bf16", "f16"].index(r["dtype"])))
    whole = dict(new, results=rows)
    kept_at.write_text(json.dumps(whole, indent=1))
    return whole


def measure(python, script, options, kept_at, rows_file, report):
    """Runs the script; what it measured until it ended is kept and reported."""
    out = BUILD / "new.json"
    BUILD.mkdir(parents=True, exist_ok=True)
    out.unlink(missing_ok=True)
    # CPU tensors in huge pages, as tileskip's own buffers and the measure of the read rate have it.
    env = dict(os.environ, TORCHINDUCTOR_CACHE_DIR=str(BUILD / "inductor"),
               THP_MEM_ALLOC_ENABLE="1")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("peers: ended before the last row"))
    child = subprocess.Popen([python, HERE / script, json.dumps(dict(options, out=str(out)))],
                             env=env)
    try:
        if child.wait() != 0:
            sys.exit(f"peers: {script} failed")
    finally:
        child.kill()
        if out.exists():
            report(merge(json.loads(out.read_text()), kept_at, rows_file))


def print_table(head, rows, markdown, left):
    """The first `left` columns are text."""
    rows = [head] + rows
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    for i, row in enumerate(rows):
        cells = [c.ljust(w) if j < left else c.rjust(w)
                 for j, (c, w) in enumerate(zip(row, widths))]
        print("| " + " | ".join(cells) + " |" if markdown else "  ".join(cells))
        if markdown and i == 0:
            print("|" + "|".join("---" if j < left else "--:" for j in range(len(head))) + "|")


def rows_of(text):
    """"1-3,8" as numbers."""
    chosen = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        chosen |= set(range(int(first), int(last or first) + 1))
    return sorted(chosen)
