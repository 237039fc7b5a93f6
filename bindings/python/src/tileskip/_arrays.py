# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Arrays as pointers, shapes and strides, without copying them: NumPy's, and whatever speaks DLPack
(https://dmlc.github.io/dlpack/). What differs between frameworks is in _frameworks.py."""

from __future__ import annotations

import ctypes as c
import weakref
from typing import Any, Dict, NamedTuple, Optional, Tuple

import numpy as np

from ._library import BF16, BOOL, F16, F32


class View(NamedTuple):
    """Where an array lies. Strides are in elements; `owner` keeps the memory alive."""

    pointer: int
    shape: Tuple[int, ...]
    strides: Tuple[int, ...]
    dtype: int
    device: str
    owner: Any


class _DLDevice(c.Structure):
    _fields_ = [("type", c.c_int), ("id", c.c_int)]


class _DLTensor(c.Structure):
    _fields_ = [
        ("data", c.c_void_p),
        ("device", _DLDevice),
        ("ndim", c.c_int),
        ("code", c.c_uint8),
        ("bits", c.c_uint8),
        ("lanes", c.c_uint16),
        ("shape", c.POINTER(c.c_int64)),
        ("strides", c.POINTER(c.c_int64)),
        ("byte_offset", c.c_uint64),
    ]


_DL_CPU, _DL_CUDA, _DL_CUDA_HOST = 1, 2, 3
_DL_DTYPES = {(2, 32): F32, (2, 16): F16, (4, 16): BF16, (6, 8): BOOL, (1, 8): BOOL}
_NUMPY_DTYPES = {"float32": F32, "float16": F16, "bfloat16": BF16, "bool": BOOL, "uint8": BOOL}

LEGACY_STREAM = 1
"""CUDA's default stream by number, which DLPack and the driver share."""

_get_pointer = c.pythonapi.PyCapsule_GetPointer
_get_pointer.restype = c.c_void_p
_get_pointer.argtypes = [c.py_object, c.c_char_p]


def refuse_dtype(name: str, dtype: Any) -> TypeError:
    takes = {"sinks": "float32", "mask": "float32, float16, bfloat16 or bool"}
    return TypeError(
        f"{name} has dtype {dtype}, expected {takes.get(name, 'float32, float16 or bfloat16')}"
    )


_known_dtypes: Dict[Any, int] = {}


def numpy_dtype(dtype: Any, name: str) -> int:
    """The library's number; asking NumPy for a dtype's name is slow, so each is asked once."""
    known = _known_dtypes.get(dtype)
    if known is None:
        known = _NUMPY_DTYPES.get(dtype.name)
        if known is None or not dtype.isnative:
            raise refuse_dtype(name, dtype)
        _known_dtypes[dtype] = known
    return known


class NumpyForm:
    """What a NumPy array must be for its pointer to be all that a plan still needs, and the last
    such array with its pointer: asking NumPy for it takes a microsecond. (An array that is weakly
    referred to cannot be resized, so it stays where it is.)"""

    __slots__ = ("dtype", "shape", "strides", "last")

    def __init__(self, array: "np.ndarray[Any, Any]") -> None:
        self.dtype, self.shape, self.strides = array.dtype, array.shape, array.strides
        self.last: Tuple[Any, int] = (lambda: None, 0)

    def pointer(self, array: Any) -> int:
        """The address of an array of exactly this form, else 0."""
        if (
            type(array) is not np.ndarray
            or array.dtype is not self.dtype
            or array.shape != self.shape
            or array.strides != self.strides
        ):
            return 0
        last, pointer = self.last
        if last() is not array:
            pointer = array.__array_interface__["data"][0]
            if pointer % array.itemsize != 0:
                return 0
            self.last = (weakref.ref(array), pointer)
        return pointer


def numpy_form(array: Any) -> Optional[NumpyForm]:
    return NumpyForm(array) if type(array) is np.ndarray else None


def elements(bytes_: Tuple[int, ...], size: int, name: str) -> Tuple[int, ...]:
    """Strides in bytes as strides in elements."""
    if any(s % size for s in bytes_):
        raise ValueError(f"{name} has byte strides {bytes_}, expected multiples of {size}")
    return tuple([s // size for s in bytes_])


def numpy_view(array: "np.ndarray[Any, Any]", name: str) -> View:
    dtype = numpy_dtype(array.dtype, name)
    strides = elements(array.strides, array.itemsize, name)
    pointer = array.__array_interface__["data"][0]
    return View(pointer, array.shape, strides, dtype, "cpu", array)


def contiguous_strides(shape: Tuple[int, ...]) -> Tuple[int, ...]:
    """Strides in elements of an array of that shape without gaps."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))


def _dlpack_device(kind: int, index: int, name: str) -> str:
    if kind in (_DL_CPU, _DL_CUDA_HOST):
        return "cpu"
    if kind == _DL_CUDA:
        return f"cuda:{index}"
    raise ValueError(f"{name} lies on DLPack device type {kind}, expected CPU or CUDA")


def dlpack_view(array: Any, name: str) -> View:
    """Through DLPack. What the array's owner has queued on a GPU comes before the default stream."""
    kind, index = array.__dlpack_device__()
    device = _dlpack_device(int(kind), int(index), name)
    capsule = array.__dlpack__() if device == "cpu" else array.__dlpack__(stream=LEGACY_STREAM)
    tensor = c.cast(_get_pointer(capsule, b"dltensor"), c.POINTER(_DLTensor)).contents
    dtype = _DL_DTYPES.get((tensor.code, tensor.bits)) if tensor.lanes == 1 else None
    if dtype is None:
        raise refuse_dtype(name, getattr(array, "dtype", f"DLPack {tensor.code}/{tensor.bits}"))
    shape = tuple([tensor.shape[i] for i in range(tensor.ndim)])
    if tensor.strides:
        strides = tuple([tensor.strides[i] for i in range(tensor.ndim)])
    else:
        strides = contiguous_strides(shape)
    pointer = (tensor.data or 0) + tensor.byte_offset
    return View(pointer, shape, strides, dtype, device, (capsule, array))
