# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""lint.py [ROOT]: what a reviewer would have to check by eye. Prints one line a breach."""

import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import links

CODE = {".c", ".h", ".def", ".cu", ".cuh", ".comp", ".glsl", ".m", ".metal"}
TEXT = CODE | {".py", ".sh", ".cmake", ".in", ".txt", ".md", ".1", ".toml", ".cfg", ".yml"}
LEFT_OUT = {"build", "out", "__pycache__", "corpus"}  # and folders that begin with a dot
NOT_C = ("src/kernels/cuda/", "src/kernels/vulkan/", "src/kernels/metal/")
MSL_FIRST = "#pragma METAL fp contract(off)"  # Metal fuses a * b + c under every option
LONGEST_FILE = 600
LONGEST_LINE = 100  # of C; clang-format leaves comments as they are

# Which rooms a room may include from, by the start of a path. <NAME> is the room's own part of the
# path. What is not ours (system headers) is allowed everywhere but in include/.
INCLUDES = [
    ("include/", ["include/"]),
    ("src/base/", ["include/tileskip/base.h", "src/base/"]),
    ("src/compute/", ["include/", "src/base/", "src/compute/"]),
    ("src/backends/<NAME>/", ["include/", "src/base/", "src/compute/backend.h",
                              "src/backends/<NAME>/"]),
    ("src/kernels/", ["include/tileskip/compute.h", "include/tileskip/base.h", "src/base/cpu.h",
                      "src/base/half.h", "src/kernels/"]),
    ("src/attention/", ["include/", "src/base/", "src/kernels/kernel_table.h",
                        "src/kernels/shared/", "src/attention/"]),
    ("oracle/", ["oracle/"]),
    ("cli/", ["include/", "oracle/", "cli/"]),
    ("bench/", ["include/", "oracle/", "cli/", "bench/"]),
    ("bindings/", ["include/", "bindings/"]),
    ("examples/demo.c", ["include/", "oracle/", "cli/"]),
    ("examples/", ["include/"]),
]
PUBLIC_SYSTEM_HEADERS = {"stdint.h", "stddef.h", "stdbool.h"}
SEARCHED = ["include", "src", "cli", "oracle", "tests"]
SWITCH = re.compile(r"^\s*#\s*(?:el)?if.*\bTSKIP_(?:CUDA|VULKAN|METAL)\b")
SWITCHES_ALLOWED = {"src/compute/backends.c"}
UNWANTED = [
    (re.compile(r"\b(?:TO[D]O|FIX[M]E|XX[X])\b"), "a note to oneself"),
    (re.compile(r"(?<![\w.])/(?:home|work|root|Users)/\w"), "a path of one machine"),
    (re.compile(r"[ \t]+$"), "blanks at the end of a line"),
    (re.compile(r"\r$"), "a carriage return"),
]


def files_of(root):
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        hidden = any(part[0] == "." and part not in {".ci", ".github"} for part in relative.parts[:-1])
        if path.is_file() and not hidden and not LEFT_OUT.intersection(relative.parts):
            yield relative.as_posix(), path


def is_script(path):
    with path.open("rb") as file:
        return file.read(2) == b"#!"


def texts_of(root):
    """(name, text) of every file that people write."""
    for name, path in files_of(root):
        if path.suffix in TEXT or path.name == "Makefile" or (not path.suffix and is_script(path)):
            yield name, path.read_text()


def room_of(name):
    for room, allowed in INCLUDES:
        match = re.match(re.escape(room).replace("<NAME>", "([^/]+)"), name)
        if match:
            own = match.group(1) if match.groups() else ""
            return [a.replace("<NAME>", own) for a in allowed]
    return None


def resolve(root, name, included):
    """Where an include of ours lies; None for a header that is not ours."""
    for folder in [Path(name).parent.as_posix(), *SEARCHED]:
        candidate = (root / folder / included).resolve()
        if candidate.is_file() and root in candidate.parents:
            return candidate.relative_to(root).as_posix()
    return None


def check_includes(root, name, text):
    allowed = room_of(name)
    if Path(name).suffix not in CODE or allowed is None:
        return
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
        if SWITCH.match(line) and name not in SWITCHES_ALLOWED:
            yield f"{name}:{number}: chooses a backend with #if; only {SWITCHES_ALLOWED} may"
        if not match:
            continue
        target = resolve(root, name, match.group(1))
        if target is None:
            if name.startswith("include/") and match.group(1) not in PUBLIC_SYSTEM_HEADERS:
                yield f"{name}:{number}: a public header includes <{match.group(1)}>"
        elif not any(target.startswith(a) for a in allowed):
            yield f"{name}:{number}: may not include {target}, only {', '.join(allowed)}"


def check_licence(name, text):
    suffix = Path(name).suffix
    if suffix in {".md", ".txt", ".toml", ".cfg", ".in"} and not name.endswith("CMakeLists.txt"):
        return
    head = "\n".join(text.splitlines()[:5])
    for line in ("SPDX-License-Identifier: MIT",
                 "SPDX-FileCopyrightText: 2026 The tileskip authors"):
        if line not in head:
            yield f"{name}: '{line}' is not among its first lines"


def check_text(name, text):
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, what in UNWANTED:
            if pattern.search(line):
                yield f"{name}:{number}: {what}: {line.strip()}"
        if (Path(name).suffix == ".metal" or Path(name).suffix in {".c", ".h"}
                and not name.startswith(NOT_C)) and len(line) > LONGEST_LINE:
            yield f"{name}:{number}: {len(line)} columns, at most {LONGEST_LINE}"
    if text and not text.endswith("\n"):
        yield f"{name}: the last line has no end"
    lines = text.count("\n")
    if Path(name).suffix in CODE and lines > LONGEST_FILE:
        yield f"{name}: {lines} lines, at most {LONGEST_FILE}"


def check_msl(name, text):
    if Path(name).suffix != ".metal":
        return
    code = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S).split("\n")
    first = next((line.strip() for line in code if line.strip()), "")
    if first != MSL_FIRST:
        yield f"{name}: begins with '{first}', expected {MSL_FIRST}"


def check_links(root):
    pages = [path for _, path in files_of(root) if path.suffix in {".md", ".ipynb"}]
    yield from links.broken(root, pages)


def check_unique_names(root):
    places = defaultdict(list)
    for name, path in files_of(root):
        if path.suffix in CODE:
            places[path.name].append(name)
    for where in places.values():
        if len(where) > 1:
            yield f"{where[0]}: has the name of {', '.join(where[1:])}"


def check_versions(root):
    """base.h, CMake, the man page and the name by which Python finds the library must agree."""
    base = (root / "include/tileskip/base.h").read_text()
    parts = [re.search(rf"TSKIP_VERSION_{p} (\d+)", base).group(1)
             for p in ("MAJOR", "MINOR", "PATCH")]
    version = ".".join(parts)
    for name, needle in (("CMakeLists.txt", f"VERSION {version} "),
                         ("man/tileskip.1", f'"tileskip {version}"'),
                         ("bindings/python/src/tileskip/_library.py",
                          f'"libtileskip.so.{parts[0]}.{parts[1]}"')):
        if needle not in (root / name).read_text():
            yield f"{name}: does not say {needle.strip()}, as include/tileskip/base.h does"


def check_rules(root):
    """Every mask rule is documented, drawn at random by verify, and known to oracle and Python."""
    table = root / "src/attention/rules.c"
    if not table.is_file():
        return
    for rule in re.findall(r'^    (?:\{"|FLAG\(|LIMIT\(|LIST\()(\w+)', table.read_text(), re.MULTILINE):
        for name in ("include/tileskip/attention.h", "docs/masks.md", "man/tileskip.1",
                     "oracle/oracle_rules_parse.c", "cli/problem_random_rules.c",
                     "bindings/python/src/tileskip/_mask.py"):
            if not re.search(rf"(?:\b|%s){rule}\b", (root / name).read_text()):
                yield f"{name}: does not know the rule {rule} of src/attention/rules.c"


def formatter():
    """clang-format 14, or None: other versions disagree with it."""
    tool = shutil.which("clang-format-14") or shutil.which("clang-format")
    if tool and " 14." in subprocess.check_output([tool, "--version"], text=True):
        return tool
    return None


def check_format(root):
    tool = formatter()
    if not tool:
        return
    names = [str(path) for name, path in files_of(root)
             if path.suffix in {".c", ".h"} and not name.startswith(NOT_C)]
    done = subprocess.run([tool, "--dry-run", "-Werror", *names], capture_output=True, text=True)
    for line in done.stderr.splitlines():
        if "error:" in line:
            yield line.replace(f"{root}/", "")


def lint(root):
    for name, text in texts_of(root):
        yield from check_includes(root, name, text)
        yield from check_licence(name, text)
        yield from check_text(name, text)
        yield from check_msl(name, text)
    yield from check_links(root)
    yield from check_unique_names(root)
    yield from check_versions(root)
    yield from check_rules(root)
    yield from check_format(root)


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
    root = root if root.is_dir() else root.parents[2]
    breaches = list(lint(root))
    print("\n".join(breaches))
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
