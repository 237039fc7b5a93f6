#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""msl_lint.py FILE.metal…: what clang takes as C++ and Apple's compiler refuses or takes otherwise.

Prints one line a breach. msl_compile.py runs the same checks on preprocessed text; implicit casts
between address spaces are found there, by clang with real ones."""

import re
import sys
from pathlib import Path

PRAGMA = "#pragma METAL fp contract(off)"
REFUSED = [
    (r"\bdouble\b", "there is no double"),
    (r"\bgoto\b", "there is no goto"),
    (r"\b(?:new|delete|try|catch|throw|dynamic_cast|typeid|virtual)\b", "not in MSL: {0}"),
    (r"\b__builtin_\w+|\b__asm\w*|\basm\b|\bmsl_\w+", "of the stand-in or of clang, not MSL: {0}"),
    (r"\bthread_local\b", "there is no thread_local"),
    (r"\[\[\s*host_name\b", "the stand-in knows no host_name; #define a variant"),
    (r"\(\s*(?:thread\s+|device\s+|constant\s+|threadgroup\s+)?\*\s*\w+\s*\)\s*\(",
     "a function pointer"),
    (r"\bstatic\s+(?!inline\b|constexpr\b|METAL_FUNC\b)(?:(?:const|unsigned)\s+)*\w+\s+\w+\s*(?:=|;|\[)",
     "a static variable has no address space of MSL"),
    (r"(?m)^\s+threadgroup\s+[\w:<>, ]+?\w+\s*(?:\[[^\]]*\]\s*)+;",
     "threadgroup memory in a body: take it as [[threadgroup(0)]], sized by the host"),
    (r"\bfast::\w+", "what it gives is not the same on every GPU: {0}"),
    (r"(?<![\w:.>])(?:metal::)?(?:a?(?:cos|sin|tan)h?|atan2|cospi|sinpi|tanpi|sincos|exp|exp2|exp10|log"
     r"|log2|log10|pow|powr|r?sqrt|fmod|fmin|fmax|fdim|divide)\s*\(",
     "means the fast function or the precise one, as the host likes; say precise::: {0}"),
]
KEYWORDS = {"if", "for", "while", "switch", "return", "sizeof", "alignof", "decltype", "defined",
            "static_assert", "__attribute__", "alignas", "catch"}


def without_comments(text):
    """The same lines, with nothing in the place of comments and of texts in quotes."""
    def blank(match):
        piece = match.group(0)
        return "\n" * piece.count("\n") + (" " if piece.startswith("/") else '""')
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def closing(text, at, opener="{", closer="}"):
    """Just past the bracket that closes the one at `at`."""
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] == opener) - (text[i] == closer)
        if depth == 0:
            return i + 1
    return len(text)


def functions(text):
    """(name, line, body) of every function defined in `text`."""
    at = 0
    for match in re.finditer(r"\b(\w+)\s*\(", text):
        if match.start() < at or match.group(1) in KEYWORDS:
            continue
        end = closing(text, match.end() - 1, "(", ")")
        body = re.compile(r"\s*(?:const\s*)?\{").match(text, end)
        if body:
            at = closing(text, body.end() - 1)
            yield match.group(1), line_of(text, match.start()), text[body.end():at]


def recursion(text):
    """(line, name) of functions that reach themselves. Overloads count as one."""
    calls, lines = {}, {}
    for name, line, body in functions(text):
        lines.setdefault(name, line)
        calls.setdefault(name, set()).update(
            called for called in re.findall(r"\b(\w+)\s*(?:<[^;<>()]*>)?\s*\(", body))
    for name in calls:
        seen, ahead = set(), [name]
        while ahead:
            for called in calls.get(ahead.pop(), ()):
                if called not in seen:
                    seen.add(called)
                    ahead.append(called)
        if name in seen:
            yield lines[name], name


def split(parameters):
    """At the commas outside of any bracket."""
    pieces, depth, begin = [], 0, 0
    for i, c in enumerate(parameters):
        depth += (c in "([{<") - (c in ")]}>")
        if c == "," and depth == 0:
            pieces.append(parameters[begin:i])
            begin = i + 1
    pieces.append(parameters[begin:])
    return [" ".join(p.split()) for p in pieces if p.strip()]


def kernels(code):
    """(name, line, what stands before it, parameters as text) of every kernel."""
    for match in re.finditer(r"\bvoid\s+(\w+)\s*\(", code):
        head = re.split(r"[;}]|\n#", code[:match.start()])[-1]
        if re.search(r"\bkernel\b", head):
            end = closing(code, match.end() - 1, "(", ")")
            yield (match.group(1), line_of(code, match.start()), head,
                   split(code[match.end():end - 1]))


def attributes(parameter):
    """{name: argument} of what stands in [[…]]; an attribute without one has ""."""
    return {name: argument.replace(" ", "")
            for inner in re.findall(r"\[\[(.*?)\]\]", parameter)
            for name, argument in re.findall(r"(\w+)\s*(?:\(([^)]*)\))?", inner)}


# Of these all that one kernel takes have as many components.
PLACES = {"thread_position_in_grid", "thread_position_in_threadgroup", "threads_per_grid",
          "threadgroup_position_in_grid", "threadgroups_per_grid", "threads_per_threadgroup",
          "dispatch_threads_per_threadgroup"}


def signatures(code):
    """(line, what) of kernels whose parameters contradict each other."""
    for name, line, _, parameters in kernels(code):
        taken, widths = set(), set()
        for parameter in parameters:
            found = attributes(parameter)
            for kind in {"buffer", "threadgroup"} & found.keys():
                place = f"{kind}({found[kind]})"
                if place in taken:
                    yield line, f"kernel {name}: two parameters at {place}"
                taken.add(place)
            if PLACES & found.keys():
                width = re.search(r"\bu(?:int|short)([23]?)\b", parameter)
                widths.add(width.group(1) or "1" if width else parameter)
        if len(widths) > 1:
            yield line, f"kernel {name}: positions of {' and '.join(sorted(widths))} components"


SPACES = re.compile(r"\b(?:thread|device|constant|threadgroup)\b")
SCALARS = r"(?:float|half|bfloat|u?int|u?short|u?char|u?long|bool|size_t|tskip_[iu]\d+)[234]?"


def type_pattern(code):
    """What names a type in `code`: MSL's own and the structs that it defines."""
    structs = set(re.findall(r"\bstruct\s+(\w+)", code))
    return rf"(?:{SCALARS}|simdgroup_\w+|void{''.join('|' + re.escape(s) for s in structs)})"


def outside_functions(code):
    """The same lines, without what lies in braces."""
    out, depth = [], 0
    for c in code:
        depth -= c == "}"
        out.append(c if depth == 0 or c == "\n" else " ")
        depth += c == "{"
    return "".join(out)


def unplaced(code):
    """(line, what) of pointers, references and globals that name no address space."""
    types = type_pattern(code)
    for match in re.finditer(rf"([^;{{}}(),]*)\b{types}(?:<[^<>;]*>)?\s*(?:const\s*)?([*&])\s*\w",
                             code):
        if not SPACES.search(match.group(1)) and not match.group(0).endswith("&&"):
            kind = "pointer" if match.group(2) == "*" else "reference"
            yield line_of(code, match.end()), f"a {kind} names no address space"
    for match in re.finditer(
            rf"(?m)^[ \t]*(?:(?:const|static|constexpr)\s+)*{types}\s+\w+\s*(?:=|;|\[(?!\[))",
            outside_functions(code)):
        yield line_of(code, match.start()), "a global lies in the constant address space"


def check_pragma(code, is_file):
    """(line, what) if the pragma is not before all code; a file begins with it."""
    lines = [line.strip() for line in code.splitlines()]
    ahead = lines[:lines.index(PRAGMA)] if PRAGMA in lines else None
    if ahead is None or any(line if is_file else "{" in line for line in ahead):
        yield 1, f"does not begin with {PRAGMA}: no mathMode keeps a * b + c apart"


def lint(text, is_file=True):
    """(line, what) of every breach. What a host hands to Metal may declare constants first."""
    code = without_comments(text)
    yield from check_pragma(code, is_file)
    for pattern, what in REFUSED:
        for match in re.finditer(pattern, code):
            yield line_of(code, match.start()), what.format(match.group(0).strip())
    yield from signatures(code)
    yield from unplaced(code)
    for line, name in recursion(code):
        yield line, f"{name} calls itself: MSL has no recursion"


def main():
    found = False
    for name in sys.argv[1:]:
        for line, what in sorted(lint(Path(name).read_text())):
            print(f"{name}:{line}: {what}")
            found = True
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
