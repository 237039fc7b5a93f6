# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""What the command promises to programs: the keys of --json, the files it writes, the examples of its
help and of its man page, and what is shown on terminals only."""

import fcntl
import json
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import tempfile
import termios
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TILESKIP = os.environ["TILESKIP"]
SMALL = str(ROOT / "examples/data/smollm2-layer29-600.safetensors")
COMMANDS = ("devices", "map", "attend", "verify", "bench")
SIZES = {"F32": 4, "F16": 2, "BF16": 2, "BOOL": 1, "U8": 1}


def read_safetensors(path):
    raw = Path(path).read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    data = raw[8 + size:]
    return {name: (t["dtype"], t["shape"], data[slice(*t["data_offsets"])])
            for name, t in header.items() if name != "__metadata__"}


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, (dtype, shape, raw) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)


def widen(dtype, raw):
    """The elements of a tensor as Python floats."""
    if dtype == "BF16":
        words = struct.unpack(f"<{len(raw) // 2}H", raw)
        return struct.unpack(f"<{len(words)}f", b"".join(struct.pack("<I", w << 16) for w in words))
    return struct.unpack(f"<{len(raw) // SIZES[dtype]}{'f' if dtype == 'F32' else 'e'}", raw)


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="tskip-command-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def run_ok(self, *arguments):
        done = subprocess.run([TILESKIP, *arguments], capture_output=True, text=True, cwd=self.folder,
                              timeout=250)
        self.assertEqual((done.returncode, done.stderr), (0, ""), arguments)
        return done.stdout

    def run_json(self, *arguments):
        return json.loads(self.run_ok(*arguments, "--json"))


class Json(Case):
    def check_keys(self, found, kinds):
        for key, kind in kinds.items():
            self.assertIsInstance(found[key], kind, key)

    def test_map(self):
        found = self.run_json("map", "--q-len", "2455", "--k-len", "2455", "--rules", "causal,window=1024")
        self.assertEqual(found, {
            "q_len": 2455, "k_len": 2455, "tile": [32, 16], "grid": [77, 154], "planes": 1, "skip": 7832,
            "mixed": 244, "full": 3782, "bytes": 11872, "visible_pairs": 1024 * 1023 // 2 + 1024 * 1432})

    def test_map_of_entries(self):
        found = self.run_json("map", "--q-len", "64", "--k-len", "64", "--rules", "klen=64/32")
        self.assertEqual((found["planes"], found["visible_pairs"]), (2, 64 * 96))

    def test_attend(self):
        found = self.run_json("attend", "--input", SMALL, "--rules", "causal", "--tile", "32x16")
        self.check_keys(found, {"device": str, "plan": str, "seconds": float, "gflops": float})
        counts = [found[k] for k in ("skip", "mixed", "full", "visible_pairs")]
        self.assertEqual(counts, [342, 38, 342, 180300])
        flop = 2 * (64 + 64) * 180300 * 9
        self.assertAlmostEqual(found["gflops"] * found["seconds"] * 1e9 / flop, 1, places=5)

    def test_attend_counts_the_map_it_did_not_use(self):
        keys = ("skip", "mixed", "full", "visible_pairs")
        with_map = self.run_json("attend", "--input", SMALL, "--rules", "causal")
        without = self.run_json("attend", "--input", SMALL, "--rules", "causal", "--no-skip")
        self.assertEqual([with_map[k] for k in keys], [without[k] for k in keys])
        self.assertIn("map=0", without["plan"])

    def test_verify(self):
        found = self.run_json("verify", "--problem", "h4/2 q100 d32 f32 rules=causal,window=40")
        self.assertEqual(found["failed"], 0)
        self.assertGreaterEqual(found["cases"], 1)
        self.assertEqual(set(found["worst"]), {"bf16", "f16", "f32"})
        self.assertLessEqual(found["worst"]["f32"], 1)

    def test_bench(self):
        found = self.run_json("bench", "--problem", "h2 q256 d32 f32 rules=causal")
        self.assertGreater(found["machine"]["peak_gflops"], 0)
        self.assertEqual(len(found["results"]), 1)
        self.check_keys(found["results"][0], {
            "problem": str, "device": str, "plan": str, "seconds_map": float, "seconds_nomap": float,
            "gflops": float, "share_of_peak": float})

    def test_devices(self):
        found = self.run_json("devices")["devices"]
        self.assertIn("cpu", [d["name"] for d in found if d["available"]])
        for d in found:
            self.assertEqual(d["computes"], d["backend"] != "null")
            self.assertEqual(d["threads"] > 0, d["backend"] == "cpu")


class Attend(Case):
    def attend(self, *arguments, source=SMALL):
        out = self.folder / "out.safetensors"
        self.run_ok("attend", "--input", str(source), "--out", str(out), *arguments)
        return read_safetensors(out)

    def test_output(self):
        found = self.attend("--rules", "causal")
        self.assertEqual(set(found), {"o"})
        self.assertEqual(found["o"][:2], ("BF16", [1, 9, 600, 64]))

    def test_first_row_is_the_first_value(self):
        found = widen(*self.attend("--rules", "causal")["o"][::2])[:64]
        self.assertEqual(found, widen(*read_safetensors(SMALL)["v"][::2])[:64])

    def test_skipping_and_threads_change_nothing(self):
        usual = self.attend("--rules", "causal,window=100", "--lse")
        for arguments in (["--no-skip"], ["--threads", "1"], ["--q-offset", "0"]):
            self.assertEqual(usual, self.attend("--rules", "causal,window=100", "--lse", *arguments))

    def test_end_offset(self):
        tensors = read_safetensors(SMALL)
        dtype, shape, raw = tensors["q"]
        rows = [raw[(h * 600 + 500) * 128:(h + 1) * 600 * 128] for h in range(9)]
        tensors["q"] = (dtype, [1, 9, 100, 64], b"".join(rows))
        write_safetensors(self.folder / "tail.safetensors", tensors)
        arguments = ("--rules", "causal", "--tile", "32x16")
        whole = self.attend(*arguments)["o"][2]
        tail = self.attend(*arguments, "--q-offset", "end", source=self.folder / "tail.safetensors")["o"]
        self.assertEqual(tail, self.attend(*arguments, "--q-offset", "500",
                                           source=self.folder / "tail.safetensors")["o"])
        self.assertEqual(tail[1], [1, 9, 100, 64])
        last = widen("BF16", tail[2])[-64:]
        for a, b in zip(last, widen("BF16", whole)[-64:]):
            self.assertAlmostEqual(a, b, delta=0.02)

    def test_wide_output_and_lse(self):
        found = self.attend("--rules", "causal", "--out-dtype", "f32", "--lse")
        self.assertEqual(found["o"][:2], ("F32", [1, 9, 600, 64]))
        self.assertEqual(found["lse"][:2], ("F32", [1, 9, 600]))
        narrow = widen(*self.attend("--rules", "causal")["o"][::2])
        for wide, n in zip(widen(*found["o"][::2]), narrow):
            self.assertAlmostEqual(wide, n, delta=0.02)

    def test_softcap_and_scale(self):
        usual = self.attend("--rules", "causal")
        self.assertEqual(usual, self.attend("--rules", "causal", "--scale", "0.125"))
        self.assertNotEqual(usual, self.attend("--rules", "causal", "--scale", "0.25"))
        self.assertNotEqual(usual, self.attend("--rules", "causal", "--softcap", "5"))

    def test_layout(self):
        turned = {}
        for name, (dtype, (_, heads, tokens, dim), raw) in read_safetensors(SMALL).items():
            row = dim * SIZES[dtype]
            order = [raw[(h * tokens + t) * row:(h * tokens + t + 1) * row]
                     for t in range(tokens) for h in range(heads)]
            turned[name] = (dtype, [1, tokens, heads, dim], b"".join(order))
        write_safetensors(self.folder / "blhd.safetensors", turned)
        found = self.attend("--rules", "causal", "--layout", "blhd", source=self.folder / "blhd.safetensors")
        usual = self.attend("--rules", "causal")
        self.assertEqual(found["o"][:2], ("BF16", [1, 600, 9, 64]))
        rows = [found["o"][2][(t * 9 + h) * 128:(t * 9 + h + 1) * 128] for h in range(9) for t in range(600)]
        self.assertEqual(b"".join(rows), usual["o"][2])

    def test_names_and_dtypes(self):
        for dtype, code in (("F32", "f"), ("F16", "e")):
            renamed = {}
            for name, (old, shape, raw) in read_safetensors(SMALL).items():
                values = widen(old, raw)
                renamed["my " + name] = (dtype, shape, struct.pack(f"<{len(values)}{code}", *values))
            write_safetensors(self.folder / "named.safetensors", renamed)
            found = self.attend("--q", "my q", "--k", "my k", "--v", "my v", "--rules", "causal",
                                source=self.folder / "named.safetensors")
            self.assertEqual(found["o"][:2], (dtype, [1, 9, 600, 64]))

    def causal_cells(self, yes, no):
        return b"".join(yes * (i + 1) + no * (599 - i) for i in range(600))

    def test_masks_in_files(self):
        usual = self.attend("--rules", "causal")
        f32 = self.causal_cells(struct.pack("<f", 0), struct.pack("<f", float("-inf")))
        masks = {"mask": ("F32", [600, 600], f32),
                 "other": ("BOOL", [1, 1, 600, 600], self.causal_cells(b"\1", b"\0"))}
        write_safetensors(self.folder / "mask.safetensors", masks)
        for name in ("mask.safetensors", "mask.safetensors:mask", "mask.safetensors:other"):
            self.assertEqual(usual, self.attend("--mask", name), name)
        text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (600, 600), }\n"
        npy = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + f32
        (self.folder / "mask.npy").write_bytes(npy)
        self.assertEqual(usual, self.attend("--mask", "mask.npy"))
        write_safetensors(self.folder / "all.safetensors", {**read_safetensors(SMALL), **masks})
        self.assertEqual(usual, self.attend(source=self.folder / "all.safetensors"))

    def test_sinks(self):
        sinks = {"sinks": ("F32", [9], struct.pack("<9f", *[float("-inf")] * 8, 30.0))}
        tensors = read_safetensors(SMALL)
        write_safetensors(self.folder / "sinks.safetensors", {**sinks, **tensors})
        usual = self.attend("--rules", "causal")["o"][2]
        found = self.attend("--rules", "causal", source=self.folder / "sinks.safetensors")["o"][2]
        head = 600 * 128
        self.assertEqual(found[:8 * head], usual[:8 * head])
        self.assertNotEqual(found[8 * head:], usual[8 * head:])

    def test_a_failed_write_leaves_what_was_there(self):
        folder = self.folder / "small"
        (self.folder / "o.safetensors").write_text("before")
        done = subprocess.run(
            ["bash", "-c", f"ulimit -f 1; exec {TILESKIP} attend --input {SMALL} --out o.safetensors"],
            cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "tileskip: o.safetensors: cannot write: File too large\n")
        self.assertEqual((self.folder / "o.safetensors").read_text(), "before")
        self.assertEqual([f.name for f in self.folder.iterdir()], ["o.safetensors"], folder)

    def test_nothing_is_written_over_what_is_read_or_written(self):
        given = self.folder / "given.safetensors"
        shutil.copy(SMALL, given)
        before = given.read_bytes()
        (self.folder / "link").symlink_to(given)
        for options, words in (
                (("--out", given), "expected another file than --input"),
                (("--out", self.folder / "link"), "expected another file than --input"),
                (("--map-png", given), "expected another file than --input"),
                (("--out", "x", "--map-png", "x"), "expected another file than --out")):
            done = subprocess.run([TILESKIP, "attend", "--input", given, *options],
                                  cwd=self.folder, capture_output=True, text=True)
            self.assertEqual(done.returncode, 2)
            self.assertIn(words, done.stderr)
        self.assertEqual(given.read_bytes(), before)

    def long_input(self):
        """Enough to be done a KV head a time: two entries, six heads of which three share one."""
        path, tokens, dim = self.folder / "long.safetensors", 8192, 64
        random = os.urandom(1 << 16)

        def values(heads, seed):  # bf16 of both signs, below 2
            n = 2 * heads * tokens * dim * 2
            data = bytearray((random[seed:] * (n // (len(random) - seed) + 1))[:n])
            data[1::2] = data[1::2].translate(bytes(i & 0xbf for i in range(256)))
            return "BF16", [2, heads, tokens, dim], bytes(data)

        sinks = struct.pack("<6f", *(h / 4 - 1 for h in range(6)))
        write_safetensors(path, {"q": values(6, 1), "k": values(2, 3), "v": values(2, 7),
                                 "sinks": ("F32", [6], sinks)})
        return path

    def test_long_work_in_parts_changes_nothing(self):
        """A mask with a plane an entry is done as one; its twin with one for all is not."""
        path = self.long_input()
        arguments = ("--lse", "--device", "cpu")
        parts = self.attend("--rules", "causal,window=32", *arguments, source=path)
        whole = self.attend("--rules", "causal,window=32,klen=8192/8192", *arguments, source=path)
        self.assertEqual(parts, whole)
        slow = ("attend", "--input", path, "--rules", "symmetric=4096", "--device", "cpu:c")
        text = Terminal.on_a_terminal(self, slow, until=b"/4", stream="stderr")
        self.assertRegex(text, r"^\rattend \[[#.]{32}\] [0-3]/4  ")


class Picture(Case):
    COLORS = {"skip": "e8eaed", "mixed": "f59628", "full": "2660ba"}

    def colors(self, path):
        """Width, height, and the pixels of each class's colour."""
        text = subprocess.check_output([os.environ["PNG_COLORS"], path, *self.COLORS.values()],
                                       cwd=self.folder, text=True)
        width, height, *counts = map(int, text.split())
        return width, height, dict(zip(self.COLORS, counts))

    def test_shares_of_colours(self):
        """As much of each colour is drawn as there are tiles of the class, the legend apart."""
        arguments = ("--q-len", "1024", "--k-len", "1024", "--rules", "causal,window=256", "--tile", "64x64")
        tiles = self.run_json("map", *arguments, "--png", "map.png")
        width, height, found = self.colors("map.png")
        self.assertTrue(600 < width < 1200 and 600 < height < 1200)
        for name, n in found.items():
            share = tiles[name] / (tiles["skip"] + tiles["mixed"] + tiles["full"])
            self.assertAlmostEqual(n / sum(found.values()), share, delta=0.02, msg=name)
        self.assertGreater(sum(found.values()), 0.4 * width * height)

    def test_one_scale_for_both_sides(self):
        """A square mask is a square, whatever the tile's sides are to each other."""
        self.run_ok("map", "--q-len", "2464", "--k-len", "2464", "--rules", "causal", "--png", "map.png")
        legend = 3 * 28 * 18
        self.assertAlmostEqual(sum(self.colors("map.png")[2].values()), 616 * 616, delta=legend)

    def test_attend_draws_too(self):
        self.run_ok("attend", "--input", SMALL, "--rules", "causal", "--map-png", "map.png")
        self.assertTrue(all(n > 1000 for n in self.colors("map.png")[2].values()))


class Help(Case):
    def test_every_command_has_help(self):
        for command in COMMANDS:
            text = self.run_ok(command, "--help")
            self.assertIn(f"Usage: tileskip {command}", text)
            self.assertTrue(all(len(line) <= 100 for line in text.splitlines()), command)

    def examples(self):
        for command in ((), *((c,) for c in COMMANDS)):
            text = self.run_ok(*command, "--help").replace("\\\n", " ")
            block = re.search(r"^Examples?:\n((?:  .*\n)+)", text, re.MULTILINE)
            self.assertIsNotNone(block, command)
            yield from (line.strip() for line in block.group(1).splitlines())
        man = (ROOT / "man/tileskip.1").read_text()
        yield from re.search(r"^\.EX\n(.*?)^\.EE", man, re.DOTALL | re.MULTILINE).group(1).splitlines()

    def test_examples_work_as_pasted(self):
        (self.folder / "examples").symlink_to(ROOT / "examples")
        path = f"{Path(TILESKIP).parent}:{os.environ['PATH']}"
        for example in dict.fromkeys(self.examples()):
            with self.subTest(example=example):
                self.assertTrue(example.startswith("tileskip "))
                done = subprocess.run(["bash", "-c", example], cwd=self.folder, capture_output=True,
                                      text=True, env={**os.environ, "PATH": path}, timeout=250)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_man_page_has_every_option(self):
        man = (ROOT / "man/tileskip.1").read_text().replace("\\-", "-")
        for command in COMMANDS:
            part = man.split(f".SS tileskip {command}\n")[1].split("\n.SS ")[0]
            for option in re.findall(r"^  (--[a-z-]+)", self.run_ok(command, "--help"), re.MULTILINE):
                if option != "--help":
                    self.assertRegex(part, rf"{option}\b", f"{command} {option}")


class Terminal(Case):
    """What is shown on a terminal, which may be narrow; nothing of it goes to files or pipes."""

    def on_a_terminal(self, arguments, seconds=60, columns=80, until=None, stream="stdout", **environment):
        """What comes out of one stream as a terminal, up to `until` or to the end."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: slave}
        child = subprocess.Popen([TILESKIP, *map(str, arguments)], **streams, cwd=self.folder,
                                 env={**os.environ, "TERM": "xterm", **environment})
        os.close(slave)
        text, end = b"", time.monotonic() + seconds
        while time.monotonic() < end and (until is None or until not in text):
            if select.select([master], [], [], 0.2)[0]:
                try:
                    text += os.read(master, 4096)
                except OSError:  # the child has gone
                    break
        child.kill()
        child.wait()
        os.close(master)
        return text.decode().replace("\r\n", "\n")

    def progress(self, columns, **environment):
        return self.on_a_terminal(("verify", "--cases", "100000000"), columns=columns, until=b" s",
                                  stream="stderr", **environment)

    def test_no_progress_when_it_is_not_a_terminal(self):
        self.run_ok("verify", "--device", "cpu:c", "--filter", "f32", "--cases", "20")

    def test_progress(self):
        self.assertRegex(self.progress(80), r"^\rverify \[[#.]{32}\] \d+/\d+  [2-9] s")

    def test_progress_on_a_narrow_terminal(self):
        self.assertRegex(self.progress(40), r"^\rverify \[[#.]{4,16}\] \d+/\d+  [2-9] s")
        self.assertRegex(self.progress(20), r"^\rverify \d+/\d+  [2-9] s")

    def test_no_progress_where_no_line_can_be_wiped(self):
        text = self.on_a_terminal(("verify", "--cases", "100000000"), seconds=4, stream="stderr", TERM="dumb")
        self.assertEqual(text, "")

    def test_short_work_shows_none(self):
        self.assertEqual(self.on_a_terminal(("map", "--q-len", "9", "--k-len", "9", "--rules", "causal"),
                                            stream="stderr"), "")

    def test_a_map_that_fits(self):
        text = self.on_a_terminal(("map", "--q-len", 96, "--k-len", 48, "--rules", "causal"))
        self.assertTrue(text.endswith("# full\n++.\n##+\n###\n"), text)

    def test_a_map_that_does_not_fit(self):
        for columns in (20, 80):
            text = self.on_a_terminal(("map", "--q-len", 16000, "--k-len", 16000, "--rules", "causal"),
                                      columns=columns)
            head, letters = text.split(" tiles: + where they differ\n")
            self.assertRegex(head, r"\na letter is \d+ × \d+$")
            rows = letters.splitlines()
            self.assertLessEqual(max(map(len, rows)), columns)
            self.assertEqual((rows[0][0], rows[0][-1], rows[-1][0]), ("+", ".", "#"))

    def test_a_table_that_does_not_fit(self):
        """The widest column has lines of its own."""
        problem = "b1 h2 q256 k256 d32 f32 rules=causal"
        text = self.on_a_terminal(("bench", "--problem", problem), columns=80)
        self.assertIn(f"\n{problem}\n    ", text)
        table = text.split("prefill\n")[1].split("\n\n")[0].splitlines()
        self.assertLessEqual(max(map(len, table)), 80)
        text = self.on_a_terminal(("map", "--q-len", 9, "--k-len", 9, "--rules", "causal"), columns=40)
        self.assertIn("\nskip       0    0.00 %\n    leaves it out\nmixed ", text)


if __name__ == "__main__":
    unittest.main()
