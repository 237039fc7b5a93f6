# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""tileskip: masked attention that computes only what the mask lets through.

    import numpy as np, tileskip
    q = k = v = np.random.randn(1, 8, 2048, 128).astype(np.float32)
    o = tileskip.attention(q, k, v, rules="causal,window=512")

The output is the same, byte for byte, whether tiles are skipped or not.
"""

from . import fast
from ._attention import attention, plan
from ._device import DeviceDescription, devices
from ._library import Error, lib
from ._mask import (
    Mask,
    alibi,
    causal,
    chunk,
    images,
    klen,
    kstart,
    prefix,
    segments,
    sink,
    spans,
    symmetric,
    window,
)
from ._plan import Plan
from ._tile_map import Counts, TileMap

__version__: str = lib.version().decode()

__all__ = [
    "Counts",
    "DeviceDescription",
    "Error",
    "Mask",
    "Plan",
    "TileMap",
    "__version__",
    "alibi",
    "attention",
    "causal",
    "chunk",
    "devices",
    "fast",
    "images",
    "klen",
    "kstart",
    "plan",
    "prefix",
    "segments",
    "sink",
    "spans",
    "symmetric",
    "window",
]
