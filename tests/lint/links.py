# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Relative links in Markdown pages and notebooks that lead nowhere."""

import json
import re
from pathlib import Path

LINK = re.compile(r'\]\(([^()\s]+)\)|\b(?:src|href)="([^"]+)"')
FENCE = re.compile(r"^(?:```.*?^```|    [^\n]*)$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`[^`\n]*`")


def prose_of(path):
    """The text that is rendered, without code."""
    text = path.read_text()
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    return CODE.sub("", FENCE.sub("", text))


def anchors_of(path):
    """What a heading is called in a link, as GitHub does it."""
    titles = re.findall(r"^#+ +(.*)$", FENCE.sub("", path.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", t.strip().lower()).replace(" ", "-") for t in titles}


def broken_in(path):
    """(link, why) of each link of one page that leads nowhere."""
    for first, second in LINK.findall(prose_of(path)):
        link = first or second
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = path.parent / place if place else path
        if not target.exists():
            yield link, "leads nowhere"
        elif anchor and target.suffix == ".md" and anchor not in anchors_of(target):
            yield link, "names no heading of that page"


def broken(root, pages=None):
    """A line for each link of the pages (all below root) that leads nowhere."""
    if pages is None:
        pages = [p for p in sorted(root.rglob("*")) if p.suffix in {".md", ".ipynb"}]
    for page in pages:
        for link, why in broken_in(Path(page)):
            yield f"{Path(page).relative_to(root).as_posix()}: the link {link} {why}"
