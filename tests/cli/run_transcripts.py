# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""run_transcripts.py FILE…: runs what stands behind '$ ' and compares with what follows.

    $ command           run by bash in a folder of its own; 'tileskip' is the one that was built,
                        $DATA the folder of the examples' data
    text                what it prints on standard output, line by line
    ! text              the same on standard error; a lone ! is an empty line
    = N                 the exit status, where it is not 0
    # text              a comment

<n> stands for digits (with commas), <x> for a number with a point, <any> for any text."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACEHOLDERS = {"<n>": r"[0-9][0-9,]*", "<x>": r" *[0-9]+\.[0-9]+(?:e[+-]?[0-9]+)?", "<any>": ".*"}


class Step:
    def __init__(self, command, line):
        self.command, self.line = command, line
        self.out, self.err, self.status = [], [], 0


def read_steps(path):
    steps = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line == "!":
            steps[-1].err.append("")
        elif line.startswith("$ "):
            steps.append(Step(line[2:], number))
        elif line.startswith("! "):
            steps[-1].err.append(line[2:])
        elif line.startswith("= "):
            steps[-1].status = int(line[2:])
        elif not line.startswith("# "):
            steps[-1].out.append(line)
    for step in steps:
        while step.out and not step.out[-1]:
            step.out.pop()
    return steps


def matches(pattern, line):
    parts = re.split(r"(<n>|<x>|<any>)", pattern)
    return re.fullmatch("".join(PLACEHOLDERS.get(p, re.escape(p)) for p in parts), line)


def compare(what, expected, found):
    """One line of report a difference."""
    for i in range(max(len(expected), len(found))):
        wanted = expected[i] if i < len(expected) else "(nothing)"
        got = found[i] if i < len(found) else "(nothing)"
        if i >= len(expected) or i >= len(found) or not matches(wanted, got):
            yield f"  {what}, line {i + 1}:\n    expected {wanted}\n    found    {got}"


def run_file(path, folder):
    environment = {**os.environ, "DATA": str(ROOT / "examples/data"),
                   "PATH": f"{Path(os.environ['TILESKIP']).parent}:{os.environ['PATH']}"}
    failed = 0
    steps = read_steps(path)
    for step in steps:
        done = subprocess.run(["bash", "-c", step.command], cwd=folder, env=environment,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=200)
        report = [*compare("output", step.out, done.stdout.splitlines()),
                  *compare("message", step.err, done.stderr.splitlines())]
        if done.returncode != step.status:
            report.append(f"  status: expected {step.status}, found {done.returncode}")
        if report:
            failed += 1
            print(f"{path.name}:{step.line}: $ {step.command}", *report, sep="\n")
    print(f"{path.name}: {len(steps)} commands, {failed} failed")
    return failed


def main():
    with tempfile.TemporaryDirectory(prefix="tskip-cli-") as folder:
        failed = sum(run_file(Path(name), folder) for name in sys.argv[1:])
    return 1 if failed or len(sys.argv) < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
