# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""FlexAttention on the CPU. Compiling it takes seconds a row, minutes at worst, and may fail: it is done
beforehand, in processes of their own, into PyTorch's cache on disk."""
import concurrent.futures
import json
import os
import select
import subprocess
import sys
import time

LIMIT = 120  # seconds that a row may take to compile
CORES_A_WORKER = 4  # a compiler and the process that waits for it leave room for the next


def attention(row):
    """FlexAttention for a row, compiled at its first call: function of (q, k, v)."""
    import torch
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    torch._dynamo.reset()
    compiled = torch.compile(flex_attention, dynamic=False)
    block_mask = None
    if row.rules:
        block_mask = create_block_mask(row.mask_function(), 1, 1, row.q_len, row.k_len, device="cpu")
    gqa = row.heads != row.kv_heads
    return lambda q, k, v: compiled(q, k, v, block_mask=block_mask, enable_gqa=gqa)


def sentence(error):
    return f"{type(error).__name__}: {error}".splitlines()[0][:120]


def _lines(child, limit):
    """The lines that a child prints, none later than `limit` seconds after the one before."""
    text, deadline = b"", time.monotonic() + limit
    while select.select([child.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
        read = os.read(child.stdout.fileno(), 1 << 16)
        if not read:
            return
        *lines, text = (text + read).split(b"\n")
        yield from lines
        if lines:
            deadline = time.monotonic() + limit


def _work_off(jobs, threads, limit):
    """Compiles each job (row, type) in turn; a row that takes too long is left out. Why, by job."""
    failed, left = {}, list(jobs)
    while left:
        asked = json.dumps({"jobs": left, "threads": threads})
        child = subprocess.Popen([sys.executable, __file__, asked], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL)
        for line in _lines(child, limit):
            why = json.loads(line)
            if why:
                failed[left[0]] = why
            left.pop(0)
        ended = child.poll() is not None
        child.kill()
        child.wait()
        if left:
            failed[left.pop(0)] = "compiling it ended the process" if ended else \
                f"compiling it takes more than {limit} s"
    return failed


def prepare(jobs, threads, limit=LIMIT):
    """Compiles FlexAttention for jobs (row's text, type). Returns why it failed, by job."""
    workers = max(1, min(len(jobs), (os.cpu_count() or 1) // CORES_A_WORKER))
    shares = [jobs[i::workers] for i in range(workers)]
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        done = pool.map(lambda share: _work_off(share, threads, limit), shares)
        return {job: why for failed in done for job, why in failed.items()}


def main():
    import torch

    from rows import Row

    asked = json.loads(sys.argv[1])
    torch.set_num_threads(asked["threads"])
    for text, dtype in asked["jobs"]:
        why = None
        try:
            row = Row(text)
            with torch.no_grad():
                attention(row)(*row.inputs(dtype))
        except Exception as error:  # a peer may fail in any way: that is a result
            why = sentence(error)
        print(json.dumps(why), flush=True)


if __name__ == "__main__":
    main()
