# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""The tree is clean, and each check of lint.py finds what it is there for."""

import tempfile
import unittest
from pathlib import Path

import lint

ROOT = Path(__file__).resolve().parents[2]
SPDX = "/* SPDX-License-Identifier: MIT\n * SPDX-FileCopyrightText: 2026 The tileskip authors */\n"
CLEAN = {
    "include/tileskip/base.h": SPDX + "#include <stdint.h>\n#define TSKIP_VERSION_MAJOR 0\n"
                               "#define TSKIP_VERSION_MINOR 1\n#define TSKIP_VERSION_PATCH 0\n",
    "include/tileskip/attention.h": SPDX,
    "src/base/status.c": SPDX + "#include <tileskip/base.h>\n",
    "src/base/alloc.h": SPDX,
    "src/compute/device.h": SPDX,
    "src/backends/cpu/cpu_buffer.h": SPDX,
    "src/attention/mask.c": SPDX,
    "oracle/oracle.c": SPDX,
    "cli/main.c": SPDX,
    "CMakeLists.txt": "# SPDX-License-Identifier: MIT\n# SPDX-FileCopyrightText: 2026 The tileskip "
                      "authors\nproject(tileskip VERSION 0.1.0 LANGUAGES C)\n",
    "man/tileskip.1": '.\\" SPDX-License-Identifier: MIT\n.\\" SPDX-FileCopyrightText: 2026 The '
                      'tileskip authors\n.TH TILESKIP 1 "" "tileskip 0.1.0"\n',
    "bindings/python/src/tileskip/_library.py":
        "# SPDX-License-Identifier: MIT\n# SPDX-FileCopyrightText: 2026 The tileskip authors\n"
        'NAMES = ["libtileskip.so.0.1"]\n',
}


def breaches(**changes):
    """What lint finds in the clean tree after files were added or replaced."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        for name, text in {**CLEAN, **changes.get("files", {})}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return list(lint.lint(root))


class Lint(unittest.TestCase):
    maxDiff = None

    def test_this_tree(self):
        self.assertEqual("\n".join(lint.lint(ROOT)), "")

    def test_a_clean_tree(self):
        self.assertEqual(breaches(), [])

    def test_breaches(self):
        cases = [
            ("src/base/log.c", '#include "compute/device.h"\n', "may not include src/compute/"),
            ("src/base/log.c", "#include <tileskip/attention.h>\n", "may not include include/"),
            ("src/compute/buffer.c", '#include "attention/mask.c"\n', "may not include src/att"),
            ("src/compute/buffer.c", '#include "backends/cpu/cpu_buffer.h"\n', "may not include"),
            ("src/backends/null/null.c", '#include "backends/cpu/cpu_buffer.h"\n', "may not incl"),
            ("src/backends/null/null.c", '#include "compute/device.h"\n', "may not include src/co"),
            ("src/kernels/table.c", '#include "attention/mask.c"\n', "may not include src/attent"),
            ("src/attention/plan.c", '#include "compute/device.h"\n', "may not include src/comp"),
            ("src/kernels/metal/x.metal", "#include <metal_stdlib>\n", "expected #pragma METAL fp"),
            ("src/kernels/metal/x.metal", "#pragma METAL fp contract(off)\n//" + 99 * "-" + "\n",
             "101 columns"),
            ("oracle/rules.c", "#include <tileskip/base.h>\n", "may not include include/"),
            ("cli/cmd.c", '#include "../src/base/alloc.h"\n', "may not include src/base/alloc.h"),
            ("cli/cmd.c", '  #  include "base/alloc.h"\n', "may not include src/base/alloc.h"),
            ("examples/00_hello.c", '#include "base/alloc.h"\n', "may not include src/base/"),
            ("include/tileskip/extra.h", "#include <stdio.h>\n", "a public header includes <stdio"),
            ("include/tileskip/extra.h", '#include "base/alloc.h"\n', "may not include src/base"),
            ("src/attention/plan.c", "#if defined(TSKIP_CUDA)\n#endif\n", "chooses a backend"),
            ("cli/status.c", "", "has the name of src/base/status.c"),
            ("cli/cmd.c", "/* TO" "DO */\n", "a note to oneself"),
            ("cli/cmd.c", "/* see /ho" "me/me/x */\n", "a path of one machine"),
            ("cli/cmd.c", "int a; \n", "blanks at the end"),
            ("cli/cmd.c", "int a;", "the last line has no end"),
            ("cli/cmd.c", "/* " + "x" * 95 + " */\n", "101 columns, at most 100"),
            ("cli/cmd.c", "int a;\n" * 600, "602 lines, at most 600"),
        ]
        for name, text, expected in cases:
            with self.subTest(name=name, text=text[:60]):
                found = breaches(files={name: SPDX + text})
                self.assertTrue(any(expected in f for f in found), found)

    def test_licence(self):
        for name in ("cli/cmd.c", "scripts/run.py", "cmake/x.cmake", "cli/CMakeLists.txt"):
            found = breaches(files={name: "x = 1\n"})
            self.assertEqual(sum("is not among its first lines" in f for f in found), 2, found)

    def test_links(self):
        page = "# One & two\n[a](docs/b.md#one--two) [c](docs/b.md#three) [d](no.md) `[e](no)`\n"
        found = breaches(files={"README.md": page + '<img src="no.png">\n',
                                "docs/b.md": "# One & two\n[up](../README.md) [w](https://x/y)\n"})
        self.assertEqual(found, [
            "README.md: the link docs/b.md#three names no heading of that page",
            "README.md: the link no.md leads nowhere",
            "README.md: the link no.png leads nowhere"])

    @unittest.skipUnless(lint.formatter(), "clang-format 14 is not here")
    def test_format(self):
        found = breaches(files={"cli/cmd.c": SPDX + "int  a;\n"})
        self.assertTrue(any("clang-format" in f for f in found), found)

    def test_rules(self):
        knows = ("docs/masks.md", "man/tileskip.1", "oracle/oracle_rules_parse.c",
                 "cli/problem_random_rules.c", "bindings/python/src/tileskip/_mask.py",
                 "include/tileskip/attention.h")
        files = {name: CLEAN.get(name, SPDX) + "/* window */\n" for name in knows}
        table = SPDX + "int a[] = {\n    LIMIT(window, 1),\n    FLAG(dilated),\n};\n"
        found = breaches(files={**files, "src/attention/rules.c": table})
        self.assertEqual(sum("does not know the rule dilated" in f for f in found), len(knows))
        self.assertFalse(any("rule window" in f for f in found))

    def test_versions(self):
        changed = CLEAN["man/tileskip.1"].replace("0.1.0", "0.2.0")
        self.assertIn("does not say", breaches(files={"man/tileskip.1": changed})[0])


if __name__ == "__main__":
    unittest.main()
