# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""What differs between frameworks: reading an array, making one for the result, the stream to
compute on. None of them is imported here: an array of theirs can only come from one that is."""

from __future__ import annotations

import sys
from typing import Any, Dict, Optional, Tuple

import numpy as np

from ._arrays import (
    View,
    dlpack_view,
    elements,
    numpy_dtype,
    numpy_view,
    refuse_dtype,
)
from ._library import BF16, DTYPE_NAMES, DTYPE_SIZES, F16, F32

NO_GRADIENTS = (
    "tileskip computes no gradients: call it under torch.no_grad() or"
    " torch.inference_mode(), or with tensors that need none"
)


def has_tangent(tensor: Any) -> bool:
    """Whether a PyTorch tensor carries a derivative forwards."""
    tangent = sys.modules["torch"].autograd.forward_ad.unpack_dual(tensor).tangent
    return tangent is not None


def is_negated(array: Any) -> bool:
    """Whether a PyTorch tensor stands for the negative of what its memory holds."""
    ask = getattr(array, "is_neg", None)
    return ask is not None and bool(ask())


class Framework:
    """Arrays that are only known to speak DLPack; the base of those known better."""

    immutable = False

    def view(self, array: Any, name: str) -> View:
        return dlpack_view(array, name)

    def packed(self, array: Any, name: str) -> Any:
        """The same contents with strides that the library has words for."""
        raise ValueError(f"{name} has strides that need a copy, expected an innermost one of 1")

    def empty(self, like: Any, shape: Tuple[int, ...], dtype: int) -> Any:
        """An array beside `like` to write a result into."""
        if dtype != F32:
            raise TypeError(f"q is a {type(like).__name__} of {DTYPE_NAMES[dtype]}: give `out`")
        return np.empty(shape, np.float32)

    def address(self, made: Any) -> int:
        """Where what `empty` made begins."""
        return view(made, "out").pointer

    def finish(self, made: Any, dtype: int) -> Any:
        """What `empty` made, written, as the caller gets it."""
        return made

    def written(self, given: Any) -> None:
        """Tells the framework that the caller's own `given` has been written into."""

    def stream(self, array: Any) -> Optional[int]:
        """The caller's current CUDA stream; None: the framework has none, so calls wait."""
        return None

    def capturing(self, array: Any) -> bool:
        """Whether that stream is recording a graph."""
        return False


class _NumPy(Framework):
    def view(self, array: Any, name: str) -> View:
        return numpy_view(array, name)

    def packed(self, array: Any, name: str) -> Any:
        return np.array(array, order="C", copy=True)

    def empty(self, like: Any, shape: Tuple[int, ...], dtype: int) -> Any:
        return np.empty(shape, np.float32 if dtype == F32 else like.dtype)

    def address(self, made: Any) -> int:
        pointer: int = made.__array_interface__["data"][0]
        return pointer


class _Torch(Framework):
    def __init__(self) -> None:
        self._dtypes: Dict[Any, int] = {}
        self._devices: Dict[Any, str] = {}

    def _number(self, dtype: Any, name: str) -> int:
        if not self._dtypes:
            torch = sys.modules["torch"]
            self._dtypes = {
                getattr(torch, long): numpy_dtype(np.dtype(long), name)
                for long in ("float32", "float16", "bool", "uint8")
            }
            self._dtypes[torch.bfloat16] = BF16
        found = self._dtypes.get(dtype)
        if found is None:
            raise refuse_dtype(name, dtype)
        return found

    def view(self, array: Any, name: str) -> View:
        if array.requires_grad and sys.modules["torch"].is_grad_enabled():
            raise RuntimeError(NO_GRADIENTS)
        if has_tangent(array):
            raise RuntimeError(NO_GRADIENTS)
        dtype = self._number(array.dtype, name)
        if array.is_neg():
            array = array.resolve_neg()
        where = array.device
        device = self._devices.get(where)
        if device is None:
            if where.type not in ("cpu", "cuda"):
                raise ValueError(f"{name} lies on {where}, expected cpu or cuda")
            device = "cpu" if where.type == "cpu" else f"cuda:{where.index}"
            self._devices[where] = device
        return View(array.data_ptr(), tuple(array.shape), array.stride(), dtype, device, array)

    def packed(self, array: Any, name: str) -> Any:
        return array.clone(memory_format=sys.modules["torch"].contiguous_format)

    def empty(self, like: Any, shape: Tuple[int, ...], dtype: int) -> Any:
        torch = sys.modules["torch"]
        return torch.empty(
            shape, dtype=torch.float32 if dtype == F32 else like.dtype, device=like.device
        )

    def written(self, given: Any) -> None:
        if not given.is_inference():
            sys.modules["torch"].autograd.graph.increment_version(given)

    def stream(self, array: Any) -> Optional[int]:
        return int(sys.modules["torch"].cuda.current_stream(array.device).cuda_stream)

    def capturing(self, array: Any) -> bool:
        return bool(sys.modules["torch"].cuda.is_current_stream_capturing())


class _CuPy(Framework):
    def view(self, array: Any, name: str) -> View:
        dtype = numpy_dtype(array.dtype, name)
        strides = elements(array.strides, array.itemsize, name)
        return View(
            array.data.ptr, array.shape, strides, dtype, f"cuda:{array.device.id}", array
        )

    def packed(self, array: Any, name: str) -> Any:
        return array.copy(order="C")

    def empty(self, like: Any, shape: Tuple[int, ...], dtype: int) -> Any:
        cupy = sys.modules["cupy"]
        with like.device:
            return cupy.empty(shape, np.float32 if dtype == F32 else like.dtype)

    def stream(self, array: Any) -> Optional[int]:
        return int(sys.modules["cupy"].cuda.get_current_stream().ptr)

    def capturing(self, array: Any) -> bool:
        return bool(sys.modules["cupy"].cuda.get_current_stream().is_capturing())


class _Jax(Framework):
    """A result is written into a fresh array of zeros before anyone else has seen it: JAX has no
    call that hands over memory of its own on every device."""

    immutable = True

    def empty(self, like: Any, shape: Tuple[int, ...], dtype: int) -> Any:
        zeros = sys.modules["jax"].numpy.zeros
        kind = np.float32 if dtype == F32 else like.dtype
        return zeros(shape, kind, device=like.device).block_until_ready()


class _Mlx(Framework):
    """Read through the buffer protocol, which gives host memory on Metal as well; bfloat16, which
    it lacks, by its bits. Results are made in NumPy and copied."""

    immutable = True

    def view(self, array: Any, name: str) -> View:
        mx = sys.modules["mlx.core"]
        bits = array.view(mx.uint16) if array.dtype == mx.bfloat16 else array
        seen = np.array(bits, copy=False)
        if bits is array:
            return numpy_view(seen, name)
        strides = elements(seen.strides, DTYPE_SIZES[BF16], name)
        pointer = seen.__array_interface__["data"][0]
        return View(pointer, seen.shape, strides, BF16, "cpu", (seen, array))

    def packed(self, array: Any, name: str) -> Any:
        return sys.modules["mlx.core"].contiguous(array)

    def empty(self, like: Any, shape: Tuple[int, ...], dtype: int) -> Any:
        return np.empty(shape, {F32: np.float32, F16: np.float16, BF16: np.uint16}[dtype])

    def address(self, made: Any) -> int:
        return NUMPY.address(made)

    def finish(self, made: Any, dtype: int) -> Any:
        mx = sys.modules["mlx.core"]
        return mx.array(made).view(mx.bfloat16) if dtype == BF16 else mx.array(made)


NUMPY = _NumPy()
_DLPACK = Framework()
_KNOWN: Dict[Tuple[str, str], Framework] = {
    ("numpy", "ndarray"): NUMPY,
    ("torch", "Tensor"): _Torch(),
    ("cupy", "ndarray"): _CuPy(),
    ("jaxlib", "ArrayImpl"): _Jax(),
    ("mlx", "array"): _Mlx(),
}
_by_type: Dict[type, Framework] = {np.ndarray: NUMPY}


def framework_of(array: Any, name: str) -> Framework:
    """Whose array it is. Raises TypeError for what is none."""
    kind = type(array)
    found = _by_type.get(kind)
    if found is None:
        for base in kind.__mro__:
            found = _KNOWN.get((base.__module__.partition(".")[0], base.__name__))
            if found is not None:
                break
        else:
            if not hasattr(kind, "__dlpack_device__"):
                raise TypeError(f"{name} is a {kind.__name__}, expected an array (NumPy or DLPack)")
            found = _DLPACK
        _by_type[kind] = found
    return found


def view(array: Any, name: str) -> View:
    """Reads where `array` lies; `name` begins the messages.

    Raises TypeError for what is no array or has another dtype.
    """
    return framework_of(array, name).view(array, name)


def _readable(seen: View, repeats: bool) -> bool:
    """Whether the library takes the array as it is: whole elements, packed rows, no steps back."""
    if seen.pointer % DTYPE_SIZES[seen.dtype] != 0:
        return False
    if not seen.shape:
        return True
    if seen.strides[-1] != 1 and seen.shape[-1] > 1:
        return False
    outer = [s for n, s in zip(seen.shape[:-1], seen.strides) if n > 1]
    return not outer or (min(outer) >= 0 and (repeats or any(outer)))


def packed_rows(array: Any, name: str, repeats: bool = False) -> View:
    """As :func:`view`; an array that the library has no words for is copied first: one unaligned,
    with an innermost stride that is not 1, with negative ones or, unless it `repeats` (a mask
    may), with the same row everywhere."""
    framework = framework_of(array, name)
    seen = framework.view(array, name)
    if _readable(seen, repeats):
        return seen
    return framework.view(framework.packed(array, name), name)
