#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""msl_compile.py FILE.metal [-DNAME=VALUE…] [-I FOLDER…] [-o OUT.so] [-l LIBRARY]: as the stand-in
compiles it.

Preprocesses the text, lints it, checks it with clang under real address spaces, and with -o builds
a shared object whose msl_kernels and msl_constants (msl_runtime.h) say what is in it. Every load and
store in it calls the executor, which LIBRARY holds. Status 1 and clang's words if Metal would refuse
it, 77 if there is no clang."""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

import msl_lint

HERE = Path(__file__).resolve().parent
LANGUAGE = ["-x", "c++", "-std=c++17", "-Xclang", "-cl-single-precision-constant",
            "-D__METAL_VERSION__=310"]
WARNINGS = ["-Wall", "-Werror=vla", "-Wno-unknown-attributes", "-Wno-unknown-pragmas", "-Wno-unused-function",
            "-Wno-missing-braces", "-Wno-pass-failed"]
CODE = ["-fPIC", "-ffreestanding", "-fno-exceptions", "-fno-rtti", "-fno-math-errno",
        "-fvisibility=hidden", "-fno-vectorize", "-fno-slp-vectorize", "-gline-tables-only",
        "-gdwarf-4", "-fno-plt", "-fno-stack-protector"]
# Each load and store calls a function of the executor's, and no runtime of a sanitizer is linked.
HOOKS = ["-fsanitize=kernel-address", "-mllvm", "-asan-instrumentation-with-call-threshold=0",
         "-mllvm", "-asan-stack=0", "-mllvm", "-asan-globals=0"]
POSITIONS = {
    "thread_position_in_grid", "thread_position_in_threadgroup", "threadgroup_position_in_grid",
    "threads_per_threadgroup", "dispatch_threads_per_threadgroup", "threadgroups_per_grid",
    "threads_per_grid", "thread_index_in_threadgroup", "thread_index_in_simdgroup",
    "simdgroup_index_in_threadgroup", "simdgroups_per_threadgroup", "threads_per_simdgroup"}
SAME_AS = {"thread_execution_width": "threads_per_simdgroup"}
DATA_TYPES = {"bool": 53, "float": 3, "int": 29, "uint": 33, "short": 37, "ushort": 41,
              "char": 45, "uchar": 49, "half": 16}  # MTLDataType


class Refused(Exception):
    """What Metal's compiler would say."""


def clang():
    found = shutil.which("clang++") or shutil.which("clang++-14")
    if not found:
        print("no clang++ here (Debian: clang)", file=sys.stderr)
        sys.exit(77)
    return found


def language():
    """Before 15 clang has no _Float16 on x86: then half is __fp16, which functions may not take."""
    version = subprocess.check_output([clang(), "-dumpversion"], text=True)
    old = int(version.split(".")[0]) < 15
    return LANGUAGE + (["-Xclang", "-fallow-half-arguments-and-returns"] if old else [])


def run(command, text, what):
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode:
        raise Refused(f"{what}:\n{done.stderr}")
    return done.stdout


def preprocess(text, options, name):
    """`text` with macros expanded; lines keep their numbers. Apple's headers come with msl.h."""
    text = re.sub(r"(?m)^[ \t]*#[ \t]*include[ \t]*<[^>\n]*>", "", text)
    return run([clang(), "-E", *language(), "-nostdinc", "-Wno-unknown-pragmas", *options, "-"],
               f'#line 1 "{name}"\n{text}', "the preprocessor refuses it")


def number(text):
    if not re.fullmatch(r"[\d\s()+*-]+", text):
        raise Refused(f"an index is no number: {text}")
    return eval(text)  # digits and + - * ( ) only


class Parameter:
    """One parameter of a kernel: what the wrapper passes, and its row in msl_kernels."""

    def __init__(self, text, kernel):
        attributes = msl_lint.attributes(text)
        declared = re.sub(r"\[\[.*?\]\]", "", text).strip()
        self.name = re.search(r"(\w+)\s*$", declared).group(1)
        self.type = declared[:declared.rindex(self.name)].strip()
        self.row = None
        if "buffer" in attributes:
            self.take_buffer(number(attributes["buffer"]))
        elif "threadgroup" in attributes:
            index = number(attributes["threadgroup"])
            self.call = f"({self.type})msl_a->group_blocks[{index}]"
            self.row = ("MSL_GROUP_BLOCK", index, self.type.rstrip("* "))
        else:
            known = [SAME_AS.get(a, a) for a in attributes if SAME_AS.get(a, a) in POSITIONS]
            if not known:
                raise Refused(f"kernel {kernel}: parameter {self.name} has no attribute known here")
            self.call = f"msl_position{{msl_p->{known[0]}}}"

    def take_buffer(self, index):
        if index > 30:
            raise Refused(f"buffer({index}): there are 31, from 0")
        element = self.type.rstrip("*& ")
        read_only = re.search(r"\b(?:const|constant)\b", element)
        if not re.search(r"\b(?:device|constant)\b", element):
            raise Refused(f"parameter {self.name}: a buffer lies in device or constant memory")
        kind = "MSL_BUFFER_READ_ONLY" if read_only else "MSL_BUFFER_WRITABLE"
        pointer = f"({element} *)msl_a->buffers[{index}]"
        self.call = f"*{pointer}" if self.type.endswith("&") else pointer
        self.row = (kind, index, element)


def kernels(code):
    """(name, most threads, parameters) of every kernel."""
    for name, _, head, parameters in msl_lint.kernels(code):
        most = re.search(r"max_total_threads_per_threadgroup\s*\(([^)]*)\)", head)
        yield name, number(most.group(1)) if most else 0, [Parameter(p, name) for p in parameters]


CONSTANT = re.compile(r"\bconstant\s+(?:const\s+)?(unsigned\s+int|\w+)\s+(\w+)\s*"
                      r"\[\[\s*function_constant\s*\(([^\]]*)\)\s*\]\]\s*;")


def tables(code):
    """The wrapper: a function a kernel, and the two lists."""
    out = ["", '#line 1 "wrapper"']
    rows = []
    for name, most, parameters in kernels(code):
        calls = ", ".join(p.call for p in parameters)
        out.append(f"static void msl_enter_{name}(const msl_arguments *msl_a, const msl_place *msl_p)"
                   f"\n{{\n    (void)msl_a, (void)msl_p;\n    {name}({calls});\n}}")
        listed = [p for p in parameters if p.row]
        out.append(f"static const msl_parameter msl_parameters_{name}[] = {{"
                   + "".join(f'{{{p.row[0]}, {p.row[1]}, sizeof({p.row[2]}), "{p.name}"}}, '
                             for p in listed) + "{}};")
        rows.append(f'{{"{name}", msl_enter_{name}, {most}, msl_parameters_{name}, {len(listed)}}}')
    constants = []
    for kind, name, index in CONSTANT.findall(code):
        kind = "uint" if kind.startswith("unsigned") else kind
        if kind not in DATA_TYPES:
            raise Refused(f"function constant {name}: {kind} is no type known here")
        optional = bool(re.search(rf"is_function_constant_defined\s*\(\s*{name}\s*\)", code))
        constants.append(f'{{"{name}", {number(index)}, {DATA_TYPES[kind]}, sizeof({name}), &{name}, '
                         f"&msl_defined_{name}, {str(optional).lower()}}}")
    export = 'extern "C" __attribute__((visibility("default"))) const'
    out.append(f"{export} msl_kernel msl_kernels[] = {{{', '.join(rows + ['{}'])}}};")
    out.append(f"{export} msl_function_constant msl_constants[] = "
               f"{{{', '.join(constants + ['{}'])}}};")
    return "\n".join(out) + "\n"


def runnable(code):
    """As C++ that runs: constants become variables, [[threadgroup(0)]] would meet a macro."""
    def constant(match):
        return (f"{match.group(1)} {match.group(2)}; bool msl_defined_{match.group(2)};"
                + "\n" * match.group(0).count("\n"))
    out = CONSTANT.sub(constant, code)
    return re.sub(r"\[\[\s*threadgroup\s*\([^\]]*\)\s*\]\]", "", out) + tables(code)


def checkable(code):
    """As C++ whose address spaces are real."""
    def constant(match):
        return (f"extern constant {match.group(1)} {match.group(2)}; "
                f"extern bool msl_defined_{match.group(2)};" + "\n" * match.group(0).count("\n"))
    out = CONSTANT.sub(constant, code)
    return re.sub(r"\[\[\s*threadgroup\s*\([^\]]*\)\s*\]\]", "", out)


def check_address_spaces(code):
    """Errors that only real address spaces bring. Copying a struct out of one is legal in MSL; C++
    has no constructor for it."""
    command = [clang(), *language(), *WARNINGS, "-ferror-limit=0", "-fsyntax-only", "-w",
               "-DMSL_ADDRESS_SPACES", "-include", str(HERE / "msl.h"), "-"]
    done = subprocess.run(command, input=checkable(code), capture_output=True, text=True)
    blocks = re.split(r"(?m)^(?=\S+:\d+:\d+: (?:fatal )?error: )", done.stderr)
    copies = re.compile(r"no matching constructor for initialization of '(?:const )?(?:struct )?\w+'"
                        r"|no viable overloaded '='")
    errors = [b for b in blocks if ": error: " in b.split("\n")[0] and not
              copies.search(b.split("\n")[0])]
    if errors:
        raise Refused("address spaces do not match:\n" + "".join(errors))


def compile_library(code, output, library):
    temporary = output + ".new"
    command = [clang(), *language(), *WARNINGS, *CODE, *HOOKS, "-ffp-contract=off", "-O2",
               "-march=x86-64-v3" if machine() == "x86_64" else "-O2",
               "-include", str(HERE / "msl.h"), "-shared", "-o", temporary, "-"]
    command += ["-x", "none", library] if library else []
    run(command, runnable(code), "the compiler refuses it")
    Path(temporary).rename(output)


def machine():
    return subprocess.check_output(["uname", "-m"], text=True).strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("-D", dest="defines", action="append", default=[])
    parser.add_argument("-I", dest="folders", action="append", default=[])
    parser.add_argument("-o", dest="output")
    parser.add_argument("-l", dest="library", default="")
    arguments = parser.parse_args()
    options = [f"-D{d}" for d in arguments.defines]
    options += [o for f in [str(Path(arguments.file).parent), *arguments.folders] for o in ("-I", f)]
    text = Path(arguments.file).read_text()
    try:
        code = preprocess(text, options, arguments.file)
        own = "\n".join("" if line.startswith("# ") else line for line in code.splitlines())
        breaches = [f"{arguments.file}: {what}" for _, what in msl_lint.lint(own, False)]
        if breaches:
            raise Refused("\n".join(breaches))
        check_address_spaces(code)
        if arguments.output:
            compile_library(code, arguments.output, arguments.library)
        else:
            tables(code)
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
