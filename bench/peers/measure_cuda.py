# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Times tileskip and its peers in turns on the same tensors of a GPU. Run through run_cuda.py."""
import datetime
import importlib
import json
import math
import pathlib
import statistics
import sys
import time
import warnings

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.attention.flex_attention import create_block_mask, flex_attention

import tileskip_c
from rows import BOUND, TYPES, Row, lines_of, progress, reference

warnings.filterwarnings("ignore")
ROOT = pathlib.Path(__file__).resolve().parents[2]
GEMM_SIDE = 8192
FLUSHED = 256 << 20  # bytes written before each run: more than the second-level cache holds
CHECKED_ROWS = 256
LARGEST_TENSOR = 16384  # tokens; above, torch's mask path runs out of memory


def load(module):
    """The module, or the reason why it is not there."""
    try:
        return importlib.import_module(module), None
    except Exception as error:  # a package may fail at import in any way
        return None, f"{type(error).__name__}: {error}".splitlines()[0][:160]


class Peers:
    """The packages that can be imported."""

    def __init__(self):
        self.flex, self.missing, self.refused = True, {}, {}
        for name, module in (("fa4", "flash_attn.cute"), ("fa4_masks", "fa4_masks"),
                             ("ffpa", "ffpa_attn")):
            found, why = load(module)
            setattr(self, name, found)
            if why:
                self.missing[name] = why
        if torch.cuda.is_available():
            torch.backends.cuda.enable_cudnn_sdp(True)


def gemm(device):
    side = GEMM_SIDE if device.type == "cuda" else 256
    a = torch.randn(side, side, device=device).bfloat16()
    b, out = torch.randn(side, side, device=device).bfloat16(), torch.empty_like(a)
    return side, lambda: torch.mm(a, b, out=out)


class Contest:
    """A row: everyone who can run it, each as (run, output)."""

    def __init__(self, row, ts, peers):
        self.row, self.peers, self.device = row, peers, torch.device(peers.device)
        self.failed, self.first, self.runs, self.maps, self.text = {}, {}, {}, {}, ""
        kind = TYPES["bf16"]
        torch.manual_seed(1)
        make = lambda heads, n: torch.randn(1, heads, n, row.dim, device=self.device).to(kind)
        self.q = make(row.heads, row.q_len)
        self.k, self.v = make(row.kv_heads, row.k_len), make(row.kv_heads, row.k_len)
        small = row.q_len <= LARGEST_TENSOR and row.dim * row.q_len <= 512 * 8192
        self.bias = row.bias(kind, self.device) if row.tensor or small else None
        self.add_tileskip(ts)
        if row.kernels:
            self.add_torch(("flash",))
        else:
            self.add_torch(("cudnn", "flash", "mem-eff"))
            self.add_torch_mask()
            self.add_fa4()
            self.add_ffpa()
            self.add_flex()

    def add(self, name, function, key=None):
        """One that returns its output; who cannot run this is noted. `key`: once refused, do not ask
        again."""
        last = []

        def run():
            last[:] = [function()]

        if key in self.peers.refused:
            self.failed[name] = self.peers.refused[key]
            return
        start = time.perf_counter()
        try:
            with torch.no_grad():
                run()
                self.synchronize()
            self.first[name] = time.perf_counter() - start
            self.runs[name] = (run, lambda: last[0])
        except Exception as error:  # a peer may fail in any way: that is a result
            self.failed[name] = f"{type(error).__name__}: {error}".splitlines()[0][:160]
            if key:
                self.peers.refused[key] = self.failed[name]

    def synchronize(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def add_tileskip(self, ts):
        row = self.row
        mask = {"tensor": self.bias} if row.tensor else {"rules": row.rules}
        for name in ("tileskip", "map once") if row.rules else ("tileskip",):
            start = time.perf_counter()
            out = torch.full_like(self.q, math.nan)
            attention = tileskip_c.Attention(ts, self.q, self.k, self.v, out, **mask,
                                             keep_map=name == "map once")
            attention.run()
            self.synchronize()
            self.first[name] = time.perf_counter() - start
            self.runs[name] = (attention.run, lambda out=out: out)
            self.text = attention.describe()
        if row.rules:
            made = tileskip_c.TileMap(ts, row.q_len, row.k_len, attention.tile(), **mask)
            self.maps["tileskip"] = made.run

    def add_torch(self, names):
        row, q = self.row, self.q
        backends = {"flash": SDPBackend.FLASH_ATTENTION, "cudnn": SDPBackend.CUDNN_ATTENTION,
                    "mem-eff": SDPBackend.EFFICIENT_ATTENTION}
        if row.tensor or row.rules not in (None, "causal"):
            return
        k, v = (t.repeat_interleave(row.heads // row.kv_heads, 1) for t in (self.k, self.v))
        for name in names:
            if name == "mem-eff" and row.dim <= 256:  # there the others are faster
                continue

            def run(backend=backends[name]):
                with sdpa_kernel(backend):
                    return F.scaled_dot_product_attention(q, k, v, is_causal=row.causal)

            self.add(name, run)

    def add_torch_mask(self):
        """The mask as a tensor: what torch has for any mask."""
        row, q = self.row, self.q
        if self.bias is None:
            return
        k, v = (t.repeat_interleave(row.heads // row.kv_heads, 1) for t in (self.k, self.v))
        padded = (row.k_len + 7) // 8 * 8  # rows whose length suits the kernels
        bias = self.bias
        if padded != row.k_len:
            bias = F.pad(bias, (0, padded - row.k_len))[:, :row.k_len]
        for name, backend in (("cudnn + mask", SDPBackend.CUDNN_ATTENTION),
                              ("mem-eff + mask", SDPBackend.EFFICIENT_ATTENTION)):

            def run(backend=backend):
                with sdpa_kernel(backend):
                    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias[None, None])

            self.add(name, run)

    def add_fa4(self):
        row = self.row
        if self.peers.fa4 is None or row.dim > 256:
            return
        q, k, v = (t.transpose(1, 2).contiguous() for t in (self.q, self.k, self.v))
        tidy = lambda out: (out[0] if isinstance(out, tuple) else out).transpose(1, 2)
        if not row.tensor and not row.images:
            window = (row.window - 1, 0) if row.window else (None, None)
            causal = row.causal and not row.window
            self.add("fa4", lambda: tidy(self.peers.fa4.flash_attn_func(
                q, k, v, causal=causal, window_size=window)))
            return
        if self.peers.fa4_masks is None:
            return
        fa4 = self.peers.fa4_masks
        if row.tensor:
            function, aux = fa4.tensor_function, [row.visible(device=self.device).int()]
        else:
            function, aux = fa4.image_function(row.window), [row.image_of(self.device)]
        for columns in (64, 80) if row.dim > 192 else (128,):
            name = f"fa4 128x{columns}"
            made = []

            def run():
                if not made:
                    made.append(fa4.Masked(q, k, v, function, aux, (128, columns)))
                return tidy(made[0].run())

            self.add(name, lambda run=run: run())
            if made:
                self.maps[name] = made[0].map

    def add_ffpa(self):
        row = self.row
        if self.peers.ffpa is None or row.dim <= 256 or row.tensor or \
                row.rules not in (None, "causal"):
            return
        self.add("ffpa", lambda: self.peers.ffpa.ffpa_attn_func(
            self.q, self.k, self.v, is_causal=row.causal, enable_gqa=row.heads != row.kv_heads,
            forward_backend="cutedsl", backward_backend="cutedsl"))

    def add_flex(self):
        row = self.row
        if row.tensor or not self.peers.flex:
            return
        torch._dynamo.reset()
        compiled = torch.compile(flex_attention, dynamic=False)
        made = []

        def run():
            if not made:
                made.append(create_block_mask(row.mask_function(self.device), 1, 1, row.q_len,
                                              row.k_len, device=self.device)
                            if row.rules else None)
            return compiled(self.q, self.k, self.v, block_mask=made[0],
                            enable_gqa=row.heads != row.kv_heads)

        self.add("flex", run, ("flex", row.dim))

    def errors(self):
        """Worst distance from the reference of each, as a share of the largest |V|, over some rows;
        and of each from tileskip, over all."""
        row = self.row
        rows = torch.linspace(0, row.q_len - 1, min(CHECKED_ROWS, row.q_len),
                              device=self.device).long().unique()
        exact = reference(self.q, self.k, self.v, row.visible(rows, self.device), rows)
        largest, own = self.v.abs().max().item(), self.runs["tileskip"][1]()
        worst = {}
        for name, (_, output) in self.runs.items():
            out = output()
            apart = (out - own).abs().max().item()
            error = (out[:, :, rows].double() - exact).abs().max().item()
            worst[name] = max(error, apart) / largest
            if out.isnan().any():
                worst[name] = math.inf
        return worst

    def result(self, clock):
        row = self.row
        errors = self.errors()
        side, product = gemm(self.device)
        runs = {name: run for name, (run, _) in self.runs.items()}
        seconds = clock.measure({**runs, "gemm": product})
        maps = clock.measure(self.maps)
        flop = 4.0 * row.heads * row.dim * row.pairs(self.device)
        gemm_tflops = 2.0 * side**3 / seconds.pop("gemm") * 1e-12
        return {
            "dtype": "bf16", "plan": self.text, "seconds": seconds,
            "map_seconds": maps, "first_seconds": self.first,
            "tflops": {name: flop / s * 1e-12 for name, s in seconds.items()},
            "gemm_tflops": gemm_tflops, "errors": errors, "failed": self.failed,
            "agree": all(e <= BOUND["bf16"] for e in errors.values()),
            "date": datetime.date.today().isoformat(),
        }


class MapContest:
    """A row of a map alone; beside it a copy of the mask on the device."""

    def __init__(self, row, ts, peers):
        device = torch.device(peers.device)
        self.row, self.device = row, device
        self.mask = row.bias(TYPES["bf16"], device) if row.tensor else None
        made = tileskip_c.TileMap(ts, row.q_len, row.k_len, row.tile,
                                  None if row.tensor else row.rules, self.mask)
        self.runs = {"tileskip": (made.run, None)}
        if row.tensor:
            copy = torch.empty_like(self.mask)
            self.runs["copy"] = (lambda: copy.copy_(self.mask), None)
        made.run()
        if device.type == "cuda":
            torch.cuda.synchronize()
        rules = tileskip_c.TileMap(ts, row.q_len, row.k_len, row.tile, row.rules)
        rules.run()
        if device.type == "cuda":
            torch.cuda.synchronize()
        self.agree = made.counts() == rules.counts() and self.truth() == made.counts()

    def truth(self):
        """Tiles by class: skip, mixed, full; from every cell."""
        row, (bq, bk) = self.row, self.row.tile
        counts = [0, 0, 0]
        for p in torch.arange(row.q_len, device=self.device).split(bq * 8):
            seen = row.visible(p, self.device)
            seen = F.pad(seen, (0, -row.k_len % bk)).view(-1, bq, (row.k_len + bk - 1) // bk, bk)
            some, every = seen.any(3).any(1), seen.all(3).all(1)
            counts[0] += int((~some).sum())
            counts[1] += int((some & ~every).sum())
            counts[2] += int(every.sum())
        return counts

    def result(self, clock):
        row = self.row
        seconds = clock.measure({name: run for name, (run, _) in self.runs.items()})
        result = {"dtype": "bf16", "seconds": seconds, "failed": {},
                  "agree": self.agree, "date": datetime.date.today().isoformat()}
        if row.tensor:
            bytes_of_mask = self.mask.numel() * self.mask.element_size()
            result["read_tbs"] = bytes_of_mask / seconds["tileskip"] * 1e-12
            result["copy_tbs"] = 2 * bytes_of_mask / seconds["copy"] * 1e-12
        return result


class Clock:
    """Median seconds of each run, taken in turns, the cache flushed before each."""

    def __init__(self, device, rounds, budget):
        self.device, self.rounds, self.budget = device, rounds, budget
        self.flushed = torch.empty(FLUSHED if device.type == "cuda" else 1 << 20,
                                   dtype=torch.uint8, device=device)

    def once(self, runs, times):
        """`times` runs of each in seconds."""
        seconds = []
        for _ in range(times):
            self.flushed.zero_()
            if self.device.type == "cuda":
                first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
                first.record()
                runs()
                last.record()
                seconds.append((first, last))
            else:
                start = time.perf_counter()
                runs()
                seconds.append(time.perf_counter() - start)
        if self.device.type == "cuda":
            torch.cuda.synchronize()
            return [first.elapsed_time(last) * 1e-3 for first, last in seconds]
        return seconds

    def measure(self, runs):
        seconds, times = {name: [] for name in runs}, {}
        with torch.no_grad():
            for name, run in runs.items():
                one = statistics.median(self.once(run, 3))
                times[name] = max(3, min(30, int(self.budget / self.rounds / max(one, 1e-6))))
            for _ in range(self.rounds):
                for name, run in runs.items():
                    seconds[name] += self.once(run, times[name])
        return {name: statistics.median(s) for name, s in seconds.items()}


def main():
    options = json.loads(sys.argv[1])
    device = torch.device(options["device"])
    peers = Peers()
    peers.device = options["device"]
    stream = (torch.cuda.current_stream().cuda_stream or 1) if device.type == "cuda" else None
    if device.type == "cuda":
        torch.cuda.init()
        torch.cuda.current_blas_handle()
    name = "cuda:0" if device.type == "cuda" else "cpu"
    library = str(ROOT / "build/release/src/libtileskip.so")
    open_device = lambda kernels: tileskip_c.Tileskip(
        options["library"] or library,
        device=f"{name}:{kernels}" if kernels and device.type == "cuda" else name, stream=stream)
    ts = {None: open_device(None)}
    machine = {
        "description": torch.cuda.get_device_name() if device.type == "cuda" else "CPU",
        "torch": torch.__version__, "tileskip": ts[None].lib.tskip_version().decode(),
        "cudnn": torch.backends.cudnn.version(), "missing": peers.missing,
        **{package: version for package, version in options["versions"].items()
           if package not in peers.missing}}
    lines = lines_of("rows-cuda.txt")
    clock = Clock(device, options["rounds"], options["budget"])
    chosen = [i for i in range(len(lines)) if not options["rows"] or i + 1 in options["rows"]]
    results, begin = [], time.perf_counter()
    for done, i in enumerate(chosen):
        progress(f"peers [{done}/{len(chosen)}] {lines[i]}")
        row = Row(lines[i])
        if options["shrink"]:
            row = row.shrunk(options["shrink"])
        if time.perf_counter() - begin > options["limit"]:
            break
        if row.kernels not in ts:
            ts[row.kernels] = open_device(row.kernels)
        peers.flex = not options["flex"] or i + 1 in options["flex"]
        kind = MapContest if row.tile else Contest
        result = kind(row, ts[row.kernels], peers).result(clock)
        result["problem"] = lines[i]
        result["wall_seconds"] = time.perf_counter() - begin
        results.append(result)
        pathlib.Path(options["out"]).write_text(
            json.dumps({"machine": machine, "results": results}))
        if device.type == "cuda":
            torch.cuda.empty_cache()
    progress("")


if __name__ == "__main__":
    main()
