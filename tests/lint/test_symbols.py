# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""The shared library exports what symbols.txt lists and nothing else; every global name of the
static one carries the prefix."""

import os
import re
import subprocess
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def defined(*arguments):
    lines = subprocess.check_output(["nm", "--defined-only", *arguments], text=True).splitlines()
    return sorted({line.split()[2] for line in lines if len(line.split()) == 3})


def listed():
    lines = (HERE / "symbols.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


def declared():
    text = "".join(h.read_text() for h in (ROOT / "include/tileskip").glob("*.h"))
    return sorted(re.findall(r"TSKIP_API[^;(]*?\b(tskip_\w+)\(", text))


class Symbols(unittest.TestCase):
    def test_shared(self):
        self.assertEqual(defined("-D", os.environ["TSKIP_SHARED"]), listed())

    def test_static(self):
        without = [s for s in defined("-g", os.environ["TSKIP_STATIC"]) if not s.startswith("tskip_")]
        self.assertEqual(without, [])

    def test_headers_declare_what_is_exported(self):
        self.assertEqual(declared(), listed())

    def test_list_is_public(self):
        self.assertEqual([s for s in listed() if not re.fullmatch(r"tskip_[a-z0-9][a-z0-9_]*", s)], [])


if __name__ == "__main__":
    unittest.main()
