# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""Arrays of any framework as pointers, shapes and strides, without copying them.

NumPy arrays are read directly, all others through DLPack (https://dmlc.github.io/dlpack/).
"""

from __future__ import annotations

import ctypes as c
import sys
from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple

import numpy as np

from ._library import BF16, BOOL, DTYPE_NAMES, F16, F32


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

_get_pointer = c.pythonapi.PyCapsule_GetPointer
_get_pointer.restype = c.c_void_p
_get_pointer.argtypes = [c.py_object, c.c_char_p]


def _refuse_dtype(name: str, dtype: Any) -> TypeError:
    return TypeError(f"{name} has dtype {dtype}, expected float32, float16, bfloat16 or, for a mask, bool")


_known_dtypes: Dict[Any, int] = {}


def _numpy_dtype(dtype: Any, name: str) -> int:
    """The library's number; asking NumPy for a dtype's name is slow, so each is asked once."""
    known = _known_dtypes.get(dtype)
    if known is None:
        known = _NUMPY_DTYPES.get(dtype.name)
        if known is None or not dtype.isnative:
            raise _refuse_dtype(name, dtype)
        _known_dtypes[dtype] = known
    return known


class NumpyForm(NamedTuple):
    """What a NumPy array must be for its pointer to be all that a plan still needs."""

    dtype: Any
    shape: Tuple[int, ...]
    strides: Tuple[int, ...]  # bytes


def numpy_form(array: Any) -> Optional[NumpyForm]:
    if type(array) is not np.ndarray:
        return None
    return NumpyForm(array.dtype, array.shape, array.strides)


def pointer_if(array: Any, form: Optional[NumpyForm]) -> int:
    """The address of an array of exactly that form, else 0."""
    if (
        form is not None
        and type(array) is np.ndarray
        and array.dtype is form.dtype
        and array.shape == form.shape
        and array.strides == form.strides
    ):
        pointer: int = array.__array_interface__["data"][0]
        return pointer
    return 0


def _numpy_view(array: "np.ndarray[Any, Any]", name: str) -> View:
    dtype = _numpy_dtype(array.dtype, name)
    size = array.itemsize
    if any(s % size for s in array.strides):
        raise ValueError(f"{name} has byte strides {array.strides}, expected multiples of {size}")
    strides = tuple([s // size for s in array.strides])
    pointer = array.__array_interface__["data"][0]
    return View(pointer, array.shape, strides, dtype, "cpu", array)


def _contiguous_strides(shape: Tuple[int, ...]) -> Tuple[int, ...]:
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))


def _dlpack_view(array: Any, name: str) -> View:
    capsule = array.__dlpack__()
    tensor = c.cast(_get_pointer(capsule, b"dltensor"), c.POINTER(_DLTensor)).contents
    dtype = _DL_DTYPES.get((tensor.code, tensor.bits)) if tensor.lanes == 1 else None
    if dtype is None:
        raise _refuse_dtype(name, getattr(array, "dtype", f"DLPack {tensor.code}/{tensor.bits}"))
    if tensor.device.type in (_DL_CPU, _DL_CUDA_HOST):
        device = "cpu"
    elif tensor.device.type == _DL_CUDA:
        device = f"cuda:{tensor.device.id}"
    else:
        raise ValueError(f"{name} lies on DLPack device type {tensor.device.type}, expected CPU or CUDA")
    shape = tuple([tensor.shape[i] for i in range(tensor.ndim)])
    if tensor.strides:
        strides = tuple([tensor.strides[i] for i in range(tensor.ndim)])
    else:
        strides = _contiguous_strides(shape)
    pointer = (tensor.data or 0) + tensor.byte_offset
    return View(pointer, shape, strides, dtype, device, (capsule, array))


def view(array: Any, name: str) -> View:
    """Reads where `array` lies; `name` begins the messages.

    Raises TypeError for what is no array or has another dtype.
    """
    if type(array) is np.ndarray:
        return _numpy_view(array, name)
    if hasattr(array, "__dlpack__"):
        return _dlpack_view(array, name)
    raise TypeError(f"{name} is a {type(array).__name__}, expected an array (NumPy or DLPack)")


def _readable(seen: View) -> bool:
    """Whether the library takes the strides as they are. All zero would mean contiguous to it."""
    if not seen.shape:
        return True
    if seen.strides[-1] != 1 and seen.shape[-1] > 1:
        return False
    outer = [s for n, s in zip(seen.shape[:-1], seen.strides) if n > 1]
    return not outer or (min(outer) >= 0 and any(outer))


def packed_rows(array: Any, name: str) -> View:
    """As :func:`view`; an array with strides that the library has no words for is copied first:
    an innermost one that is not 1, negative ones, the same row everywhere."""
    seen = view(array, name)
    if _readable(seen):
        return seen
    if isinstance(array, np.ndarray):
        return view(np.ascontiguousarray(array), name)
    if hasattr(array, "contiguous"):
        return view(array.contiguous(), name)
    raise ValueError(f"{name} has strides {seen.strides}, expected an innermost one of 1")


def _empty_numpy(like: Any, shape: Tuple[int, ...], dtype: int) -> Any:
    kind = np.float32 if dtype == F32 else np.float16 if dtype == F16 else like.dtype
    return np.empty(shape, kind)


def _empty_torch(like: Any, shape: Tuple[int, ...], dtype: int) -> Any:
    torch = sys.modules["torch"]
    kinds = {F32: torch.float32, F16: torch.float16, BF16: torch.bfloat16}
    return torch.empty(shape, dtype=kinds[dtype], device=like.device)


def _empty_cupy(like: Any, shape: Tuple[int, ...], dtype: int) -> Any:
    kind = np.float32 if dtype == F32 else np.float16 if dtype == F16 else like.dtype
    return sys.modules["cupy"].empty(shape, kind)


def _to_mlx(array: Any, dtype: int) -> Any:
    mx = sys.modules["mlx.core"]
    return mx.array(array).view(mx.bfloat16) if dtype == BF16 else mx.array(array)


def _to_jax(array: Any, dtype: int) -> Any:
    jax = sys.modules["jax"]
    if dtype == BF16:
        array = array.view(jax.numpy.bfloat16.dtype)
    return jax.numpy.asarray(array)


_MAKERS: Dict[str, Callable[[Any, Tuple[int, ...], int], Any]] = {
    "numpy": _empty_numpy,
    "torch": _empty_torch,
    "cupy": _empty_cupy,
}

# Frameworks whose arrays cannot be written into: the result is computed in NumPy and handed over.
_CONVERTERS: Dict[str, Callable[[Any, int], Any]] = {"mlx": _to_mlx, "jax": _to_jax, "jaxlib": _to_jax}


def empty_like(like: Any, shape: Tuple[int, ...], dtype: int) -> Tuple[Any, Optional[Callable[[Any, int], Any]]]:
    """An array of `like`'s framework to write into, and what to convert it with afterwards."""
    framework = type(like).__module__.partition(".")[0]
    if framework in _MAKERS:
        return _MAKERS[framework](like, shape, dtype), None
    kinds = {F32: np.float32, F16: np.float16, BF16: np.uint16}
    if framework in _CONVERTERS:
        return np.empty(shape, kinds[dtype]), _CONVERTERS[framework]
    if dtype == BF16:
        raise TypeError(f"q is a {type(like).__name__} of {DTYPE_NAMES[dtype]}: give `out`")
    return np.empty(shape, kinds[dtype]), None
