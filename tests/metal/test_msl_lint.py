# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Every .metal file of the tree is clean, and msl_lint.py finds what it is there for."""

import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "metal"))
import msl_lint  # noqa: E402  (beside this file)

HEAD = msl_lint.PRAGMA + "\n#include <metal_stdlib>\nusing namespace metal;\n"


def breaches(text):
    return [what for _, what in msl_lint.lint(text)]


class MslLint(unittest.TestCase):
    maxDiff = None

    def test_this_tree(self):
        files = [*ROOT.glob("src/kernels/metal/*"), *ROOT.glob("tests/**/*.metal")]
        texts = {f: f.read_text() for f in files if f.suffix in {".metal", ".h"}}
        self.assertTrue(texts)
        found = []
        for name, text in texts.items():
            is_header = name.suffix == ".h"
            if name.name == "metal_body.h":  # of the host's
                continue
            text = msl_lint.PRAGMA + "\n" + text if is_header else text
            found += [f"{name}:{line}: {what}" for line, what in msl_lint.lint(text)]
        self.assertEqual("\n".join(found), "")

    def test_kernels_state_their_threads(self):
        """Else the compiler keeps registers free for groups of 1024."""
        for name in (ROOT / "src" / "kernels" / "metal").glob("*.metal"):
            code = msl_lint.without_comments(name.read_text())
            found = list(msl_lint.kernels(code))
            self.assertTrue(found, name)
            for kernel, _, head, _ in found:
                with self.subTest(kernel=kernel):
                    self.assertIn("max_total_threads_per_threadgroup(TSKIP_GROUP_THREADS)", head)

    def test_breaches(self):
        cases = [
            ("int f() { return 1; }\n", "does not begin with #pragma"),
            ("int a;\n" + HEAD, "does not begin with #pragma"),
            (HEAD + "void f() { double x = 1; }\n", "there is no double"),
            (HEAD + "void f() { goto a; a: return; }\n", "there is no goto"),
            (HEAD + "int f(int n) { return n ? f(n - 1) : 0; }\n", "f calls itself"),
            (HEAD + "int f(int);\nint g(int n) { return f(n); }\nint f(int n) { return g(n); }\n",
             "g calls itself"),
            (HEAD + "void f() { int (*p)(int) = g; }\n", "a function pointer"),
            (HEAD + "typedef float (*fn)(float);\n", "a function pointer"),
            (HEAD + "void f() { static int n = 0; }\n", "a static variable"),
            (HEAD + "kernel void f()\n{\n    threadgroup float x[8];\n}\n", "memory in a body"),
            (HEAD + "template [[host_name(\"a\")]] kernel void f<1>();\n", "host_name"),
            (HEAD + "void f() { int *p = new int; }\n", "not in MSL: new"),
            (HEAD + "float f(float x) { return __builtin_expf(x); }\n", "__builtin_expf"),
            (HEAD + "void f(uint &x) { x++; }\n", "a reference names no address space"),
            (HEAD + "void f(const float *p) { }\n", "a pointer names no address space"),
            (HEAD + "struct s { int a; };\nvoid f(int n, s &x) { }\n", "a reference names no"),
            (HEAD + "void f(float x) { float *y = &x; }\n", "a pointer names no address space"),
            (HEAD + "uint counter = 0;\n", "constant address space"),
            (HEAD + "float f(float x) { return exp2(x); }\n", "say precise::: exp2("),
            (HEAD + "float f(float x) { return 2 * metal::tanh (x); }\n", "say precise:::"),
            (HEAD + "float f(float x, float y) { return fmax(x, y); }\n", "say precise::: fmax("),
            (HEAD + "float f(float x) { return fast::exp(x); }\n", "not the same on every GPU"),
            (HEAD + "kernel void k(device float *x [[buffer(1)]], device float *y [[buffer(1)]]) { }\n",
             "kernel k: two parameters at buffer(1)"),
            (HEAD + "kernel void k(threadgroup float *x [[threadgroup(0)]],\n"
             "              threadgroup float *y [[ threadgroup( 0 ) ]]) { }\n",
             "kernel k: two parameters at threadgroup(0)"),
            (HEAD + "kernel void k(uint2 i [[thread_position_in_grid]],\n"
             "              uint3 n [[threads_per_grid]]) { }\n",
             "kernel k: positions of 2 and 3 components"),
            (HEAD + "[[kernel]] void k(uint3 i [[threadgroup_position_in_grid]],\n"
             "                  ushort n [[threads_per_threadgroup]]) { }\n",
             "kernel k: positions of 1 and 3 components"),
        ]
        for text, expected in cases:
            with self.subTest(text=text[-50:]):
                found = breaches(text)
                self.assertTrue(any(expected in f for f in found), found)

    def test_clean(self):
        text = ("/* a double, goto and f(f) in a comment */\n" + HEAD + "/* new */\n"
                "static inline float g(float x) { return x; }\n"
                "static inline float f(float x) { return g(x); }\n"
                "kernel void k(device float *x [[buffer(0)]], threadgroup float *m "
                "[[threadgroup(0)]], uint3 i [[thread_position_in_grid]],\n"
                "ushort3 n [[threads_per_threadgroup]], uint lane [[thread_index_in_simdgroup]])\n"
                "{ x[i.x] = f(x[0]) * m[0] + precise::exp(max(x[1], 0.0f)) + lane; }\n")
        self.assertEqual(breaches(text), [])


if __name__ == "__main__":
    unittest.main()
