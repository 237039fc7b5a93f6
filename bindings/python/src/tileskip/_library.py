# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""The C library through ctypes: structures and prototypes of include/tileskip, and nothing else.

Every structure here mirrors one of the headers; tests/test_layout.py compares their sizes and
offsets with what the C compiler says.
"""

from __future__ import annotations

import ctypes as c
import os
import sys
from pathlib import Path
from typing import Any, List, Tuple

F32, F16, BF16, BOOL = 1, 2, 3, 4
DTYPE_NAMES = {F32: "f32", F16: "f16", BF16: "bf16", BOOL: "bool"}
DTYPE_SIZES = {F32: 4, F16: 2, BF16: 2, BOOL: 1}
OFFSET_END = -(1 << 63)

OK, INVALID_ARGUMENT, UNSUPPORTED, OUT_OF_MEMORY = 0, 1, 2, 3


class Error(RuntimeError):
    """What the library refuses or fails at, in its own words.

    Invalid arguments raise :class:`ValueError` and exhausted memory :class:`MemoryError` instead.
    """


class DeviceInfo(c.Structure):
    _fields_ = [
        ("name", c.c_char * 64),
        ("description", c.c_char * 128),
        ("backend", c.c_char * 16),
        ("isa", c.c_char * 16),
        ("capability", c.c_uint32),
        ("code_format", c.c_int),
        ("threads", c.c_uint32),
        ("compute_units", c.c_uint32),
        ("shares_memory", c.c_bool),
        ("computes", c.c_bool),
        ("available", c.c_bool),
        ("memory", c.c_uint64),
        ("max_buffer_size", c.c_uint64),
        ("max_group_memory", c.c_uint64),
        ("max_group_threads", c.c_uint32),
        ("cache_sizes", c.c_uint64 * 3),
    ]


class DeviceDesc(c.Structure):
    _fields_ = [
        ("name", c.c_char_p),
        ("threads", c.c_uint32),
        ("parallel_for", c.c_void_p),
        ("parallel_for_user", c.c_void_p),
        ("native_context", c.c_void_p),
    ]


class EncoderDesc(c.Structure):
    _fields_ = [("native_stream", c.c_void_p)]


class MaskTensor(c.Structure):
    _fields_ = [
        ("buffer", c.c_void_p),
        ("offset", c.c_uint64),
        ("dtype", c.c_int),
        ("rank", c.c_uint32),
        ("shape", c.c_int64 * 4),
        ("strides", c.c_int64 * 4),
    ]


class MaskDesc(c.Structure):
    _fields_ = [
        ("rules", c.c_char_p),
        ("rule_values", c.c_void_p),
        ("tensor", MaskTensor),
        ("n_heads", c.c_uint32),
    ]


class Extent(c.Structure):
    _fields_ = [
        ("batch", c.c_uint32),
        ("n_heads", c.c_uint32),
        ("q_len", c.c_int64),
        ("k_len", c.c_int64),
        ("q_offset", c.c_int64),
        ("k_offset", c.c_int64),
    ]


class Tile(c.Structure):
    _fields_ = [("bq", c.c_uint32), ("bk", c.c_uint32)]


class TileMapDesc(c.Structure):
    _fields_ = [("mask", c.c_void_p), ("extent", Extent), ("tile", Tile)]


class TileMapInfo(c.Structure):
    _fields_ = [
        ("extent", Extent),
        ("tile", Tile),
        ("nq", c.c_uint32),
        ("nk", c.c_uint32),
        ("planes_batch", c.c_uint32),
        ("planes_head", c.c_uint32),
        ("size", c.c_uint64),
    ]


class TileCounts(c.Structure):
    _fields_ = [("skip", c.c_uint64), ("mixed", c.c_uint64), ("full", c.c_uint64)]


class Strides(c.Structure):
    _fields_ = [("batch", c.c_int64), ("head", c.c_int64), ("row", c.c_int64)]


class AttentionDesc(c.Structure):
    _fields_ = [
        ("extent", Extent),
        ("n_kv_heads", c.c_uint32),
        ("head_dim", c.c_uint32),
        ("head_dim_v", c.c_uint32),
        ("dtype", c.c_int),
        ("out_dtype", c.c_int),
        ("scale", c.c_float),
        ("softcap", c.c_float),
        ("sinks", c.c_bool),
        ("lse", c.c_bool),
        ("no_skip", c.c_bool),
        ("unaligned", c.c_bool),
        ("mask", c.c_void_p),
        ("tile", Tile),
        ("q", Strides),
        ("k", Strides),
        ("v", Strides),
        ("o", Strides),
    ]


class PlanInfo(c.Structure):
    _fields_ = [
        ("desc", AttentionDesc),
        ("tile", Tile),
        ("uses_map", c.c_bool),
        ("workspace_size", c.c_uint64),
        ("group_memory", c.c_uint64),
    ]


class Slice(c.Structure):
    _fields_ = [("buffer", c.c_void_p), ("offset", c.c_uint64)]


class AttentionTensors(c.Structure):
    _fields_ = [
        ("q", Slice),
        ("k", Slice),
        ("v", Slice),
        ("o", Slice),
        ("lse", Slice),
        ("sinks", Slice),
        ("workspace", Slice),
        ("map", c.c_void_p),
    ]


_P = c.c_void_p
_OUT = c.POINTER(c.c_void_p)
_U64 = c.c_uint64

# name, result, arguments; a result of c.c_int is a status.
_FUNCTIONS: List[Tuple[str, Any, List[Any]]] = [
    ("version", c.c_char_p, []),
    ("status_text", c.c_char_p, [c.c_int]),
    ("last_error", c.c_char_p, []),
    ("device_open", c.c_int, [c.POINTER(DeviceDesc), _OUT]),
    ("device_destroy", None, [_OUT]),
    ("device_get_info", c.POINTER(DeviceInfo), [_P]),
    ("device_list", c.c_int, [c.POINTER(DeviceInfo), c.c_size_t, c.POINTER(c.c_size_t)]),
    ("buffer_create", c.c_int, [_P, _U64, _OUT]),
    ("buffer_import", c.c_int, [_P, _P, _U64, _OUT]),
    ("buffer_destroy", None, [_OUT]),
    ("encoder_create", c.c_int, [_P, c.POINTER(EncoderDesc), _OUT]),
    ("encoder_destroy", None, [_OUT]),
    ("encoder_submit", c.c_int, [_P]),
    ("encoder_wait", c.c_int, [_P]),
    ("encoder_reset", c.c_int, [_P]),
    ("rules_parse", c.c_int, [c.c_char_p, _OUT]),
    ("rules_destroy", None, [_OUT]),
    ("rules_format", c.c_int, [_P, c.c_char_p, c.c_size_t, c.POINTER(c.c_size_t)]),
    ("mask_create", c.c_int, [_P, c.POINTER(MaskDesc), _OUT]),
    ("mask_destroy", None, [_OUT]),
    (
        "mask_count_pairs",
        c.c_int,
        [_P, c.POINTER(Extent), c.POINTER(_U64), c.POINTER(c.c_uint32)],
    ),
    ("mask_fill_encode", c.c_int, [_P, c.POINTER(Extent), c.POINTER(MaskTensor), _P]),
    ("tile_map_create", c.c_int, [c.POINTER(TileMapDesc), _OUT]),
    ("tile_map_encode", c.c_int, [_P, _P]),
    ("tile_map_destroy", None, [_OUT]),
    ("tile_map_get_info", c.POINTER(TileMapInfo), [_P]),
    ("tile_map_read", c.c_int, [_P, _P, c.c_size_t]),
    ("tile_map_count", c.c_int, [_P, c.POINTER(TileCounts)]),
    (
        "tile_map_draw",
        c.c_int,
        [_P, c.c_uint32, c.c_uint32, c.c_uint32, _P, c.c_size_t],
    ),
    ("plan_create", c.c_int, [_P, c.POINTER(AttentionDesc), _OUT]),
    ("plan_destroy", None, [_OUT]),
    ("plan_get_info", c.POINTER(PlanInfo), [_P]),
    ("plan_describe", c.c_char_p, [_P]),
    ("attention_encode", c.c_int, [_P, _P, c.POINTER(AttentionTensors)]),
]


def _names() -> List[str]:
    if sys.platform == "darwin":
        return ["libtileskip.0.1.dylib", "libtileskip.dylib"]
    if sys.platform == "win32":
        return ["tileskip.dll"]
    return ["libtileskip.so.0.1", "libtileskip.so"]


def _load() -> c.CDLL:
    """The library named by TILESKIP_LIBRARY, else the one in this package, else the system's."""
    chosen = os.environ.get("TILESKIP_LIBRARY")
    here = Path(__file__).resolve().parent
    candidates = [chosen] if chosen else [str(here / name) for name in _names()] + _names()
    failures = []
    for candidate in candidates:
        try:
            return c.CDLL(candidate)
        except OSError as error:
            failures.append(str(error))
    raise ImportError("tileskip: the C library was not found: " + "; ".join(failures))


class _Library:
    """The prototypes above as attributes: lib.plan_create(…) and so on. A call releases the GIL."""

    def __init__(self) -> None:
        self._dll = _load()
        for name, result, arguments in _FUNCTIONS:
            function = getattr(self._dll, "tskip_" + name)
            function.restype = result
            function.argtypes = arguments
            setattr(self, name, function)

    def __getattr__(self, name: str) -> Any:  # for type checkers: everything is set above
        raise AttributeError(name)


lib = _Library()


def check(status: int) -> None:
    """Raises what a status stands for, with the library's own sentence."""
    if status == OK:
        return
    text = lib.last_error().decode() or lib.status_text(status).decode()
    if status == INVALID_ARGUMENT:
        raise ValueError(text)
    if status == OUT_OF_MEMORY:
        raise MemoryError(text)
    raise Error(text)


class Handle:
    """Owns one object of the library; destroyed when collected."""

    __slots__ = ("pointer", "_destroy", "__weakref__")

    def __init__(self, pointer: c.c_void_p, destroy: Any) -> None:
        self.pointer = pointer
        self._destroy = destroy

    def __del__(self) -> None:
        if self.pointer:
            self._destroy(c.byref(self.pointer))


def make(create: Any, destroy: Any, *arguments: Any) -> Handle:
    """Calls create(*arguments, &out) and wraps what it made."""
    out = c.c_void_p()
    check(create(*arguments, c.byref(out)))
    return Handle(out, destroy)
