# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Installs into a folder of its own, moves it, and builds the README's example against it: with
pkg-config (shared and static) and with CMake (shared and static)."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/lint"))
import links  # noqa: E402

BUILD = os.environ["TSKIP_BUILD"]
CC = os.environ.get("CC", "cc")
VERSION = os.environ["TSKIP_VERSION"]
STRICT = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]

CMAKE_PROJECT = """
cmake_minimum_required(VERSION 3.22)
project(user C)
find_package(tileskip {version} REQUIRED)
add_executable(shared main.c)
target_link_libraries(shared PRIVATE tileskip::tileskip)
add_executable(static main.c)
target_link_libraries(static PRIVATE tileskip::static)
"""


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command} gave {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def without_spdx(text):
    return re.sub(r"\A/\* SPDX-License-Identifier:.*?\*/\n\n?", "", text, flags=re.DOTALL)


def readme_example():
    """The first C block of the README."""
    readme = (ROOT / "README.md").read_text()
    return re.search(r"^```c\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE).group(1)


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="tskip-install-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        run("cmake", "--install", BUILD, "--prefix", str(cls.folder / "first"))
        cls.prefix = cls.folder / "moved"
        (cls.folder / "first").rename(cls.prefix)
        cls.lib = next(cls.prefix.glob("**/libtileskip.a")).parent
        cls.source = cls.folder / "main.c"
        cls.source.write_text(readme_example())

    def check_runs(self, program):
        environment = {**os.environ, "LD_LIBRARY_PATH": str(self.lib)}
        self.assertRegex(run(str(program), env=environment), r"^done, .* -?\d")

    def needs_library(self, program):
        return "libtileskip.so.0.1" in run("readelf", "-d", str(program))

    def pkg_config(self, *arguments):
        environment = {**os.environ, "PKG_CONFIG_PATH": str(self.lib / "pkgconfig")}
        return run("pkg-config", *arguments, "tileskip", env=environment).split()

    def test_readme_shows_the_first_example(self):
        example = (ROOT / "examples/00_hello.c").read_text()
        self.assertEqual(readme_example(), without_spdx(example))

    def test_files(self):
        files = {str(f.relative_to(self.prefix)) for f in self.prefix.rglob("*") if f.is_file()}
        headers = {f"include/tileskip/{h.name}" for h in (ROOT / "include/tileskip").glob("*.h")}
        self.assertLessEqual(headers, files)
        self.assertEqual(headers, {f for f in files if f.startswith("include")})
        for name in ("bin/tileskip", "share/man/man1/tileskip.1"):
            self.assertIn(name, files)
        for name in ("libtileskip.so", "libtileskip.so.0.1", f"libtileskip.so.{VERSION}",
                     "libtileskip.a", "pkgconfig/tileskip.pc",
                     "cmake/tileskip/tileskip-config.cmake"):
            self.assertTrue((self.lib / name).is_file(), name)

    def test_documentation(self):
        """Every page is there, and no link of it leads out of what is installed."""
        doc = next(self.prefix.glob("**/doc/tileskip"))
        pages = {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "examples/python/tour.ipynb"}
        pages |= {f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md")}
        pages |= {f"examples/{p.name}" for p in (ROOT / "examples").glob("[0-9]*.c")}
        for page in pages:
            self.assertTrue((doc / page).is_file(), page)
        self.assertEqual(list(links.broken(doc)), [])
        tools = {p.name for p in doc.rglob("*") if p.suffix in {".py", ".sh"} or p.stem == "demo"}
        self.assertEqual(tools, set())

    def test_components(self):
        """What a distribution makes three packages of."""
        for component, there, not_there in (
                ("runtime", "libtileskip.so.0.1", "libtileskip.so"),
                ("development", "libtileskip.so", "libtileskip.so.0.1"),
                ("documentation", "masks.md", "tileskip.1")):
            prefix = self.folder / component
            run("cmake", "--install", BUILD, "--prefix", str(prefix), "--component", component)
            names = {p.name for p in prefix.rglob("*")}
            self.assertIn(there, names)
            self.assertNotIn(not_there, names)

    def test_command(self):
        self.assertEqual(run(str(self.prefix / "bin/tileskip"), "--version"), f"tileskip {VERSION}\n")

    def test_pkg_config_shared(self):
        program = self.folder / "pc_shared"
        run(CC, *STRICT, str(self.source), "-o", str(program), *self.pkg_config("--cflags", "--libs"))
        self.assertTrue(self.needs_library(program))
        self.check_runs(program)

    def test_examples(self):
        for source in sorted((ROOT / "examples").glob("[0-9]*.c")):
            program = self.folder / source.stem
            run(CC, *STRICT, str(source), "-o", str(program), *self.pkg_config("--cflags", "--libs"))
            run(str(program), env={**os.environ, "LD_LIBRARY_PATH": str(self.lib)})

    def test_pkg_config_static(self):
        program = self.folder / "pc_static"
        flags = self.pkg_config("--static", "--cflags", "--libs")
        flags = ["-l:libtileskip.a" if f == "-ltileskip" else f for f in flags]
        run(CC, *STRICT, str(self.source), "-o", str(program), *flags)
        self.assertFalse(self.needs_library(program))
        self.check_runs(program)

    def test_pkg_config_file(self):
        self.assertEqual(self.pkg_config("--modversion"), [VERSION])
        prefix = self.pkg_config("--variable=prefix")[0]
        self.assertEqual(Path(prefix).resolve(), self.prefix.resolve(), "not relocatable")

    def test_cmake(self):
        project = self.folder / "project"
        project.mkdir()
        (project / "CMakeLists.txt").write_text(CMAKE_PROJECT.format(version=VERSION))
        shutil.copy(self.source, project / "main.c")
        run("cmake", "-S", str(project), "-B", str(project / "build"), "-G", "Ninja",
            f"-DCMAKE_C_COMPILER={CC}", f"-DCMAKE_PREFIX_PATH={self.prefix}", "-DCMAKE_C_FLAGS=-Werror")
        run("cmake", "--build", str(project / "build"))
        for kind in ("shared", "static"):
            program = project / "build" / kind
            self.assertEqual(self.needs_library(program), kind == "shared")
            self.check_runs(program)


if __name__ == "__main__":
    unittest.main()
