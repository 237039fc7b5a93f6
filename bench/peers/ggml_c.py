# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""ggml's flash attention on the CPU, from the libraries that the package ggml-py builds."""
import ctypes as c
import importlib.util
import math
import pathlib

F32, F16 = 0, 1


class _Params(c.Structure):
    _fields_ = [("mem_size", c.c_size_t), ("mem_buffer", c.c_void_p), ("no_alloc", c.c_bool)]


class _Plan(c.Structure):
    _fields_ = [("work_size", c.c_size_t), ("work_data", c.c_void_p), ("n_threads", c.c_int),
                ("threadpool", c.c_void_p), ("abort", c.c_void_p), ("abort_data", c.c_void_p),
                ("use_ref", c.c_bool)]


def load():
    """(base, cpu) libraries, or None where the package is not installed."""
    spec = importlib.util.find_spec("ggml")
    if spec is None:
        return None
    folder = pathlib.Path(spec.submodule_search_locations[0]) / "lib"
    base = c.CDLL(str(folder / "libggml-base.so"), mode=c.RTLD_GLOBAL)
    cpu = c.CDLL(str(folder / "libggml-cpu.so"), mode=c.RTLD_GLOBAL)
    for name in ("ggml_init", "ggml_new_tensor_4d", "ggml_flash_attn_ext", "ggml_new_graph",
                 "ggml_get_data"):
        getattr(base, name).restype = c.c_void_p
    cpu.ggml_graph_plan.restype = _Plan
    cpu.ggml_cpu_init()
    return base, cpu


class Attention:
    """K, V and mask in f16, Q and the output in f32: what ggml's kernel takes."""

    def __init__(self, libs, q, k, v, mask, threads):
        self.base, self.cpu = libs
        base = self.base
        inputs = [q.float(), k.half(), v.half()]
        if mask is not None:
            inputs.append(mask.half()[None, None])
        self.shape = (q.shape[0], q.shape[2], q.shape[1], v.shape[3])
        size = sum(t.numel() * t.element_size() for t in inputs) + 4 * math.prod(self.shape)
        self.context = c.c_void_p(base.ggml_init(_Params(size + (1 << 22), None, False)))
        nodes = [self._tensor(t.contiguous()) for t in inputs] + [None]
        self.out = c.c_void_p(base.ggml_flash_attn_ext(
            self.context, *nodes[:4], c.c_float(q.shape[3] ** -0.5), c.c_float(0), c.c_float(0)))
        self.graph = c.c_void_p(base.ggml_new_graph(self.context))
        base.ggml_build_forward_expand(self.graph, self.out)
        self.plan = self.cpu.ggml_graph_plan(self.graph, c.c_int(threads), None)
        self.work = c.create_string_buffer(self.plan.work_size + 64)
        self.plan.work_data = (c.addressof(self.work) + 63) // 64 * 64

    def _tensor(self, tensor):
        kind = F32 if tensor.element_size() == 4 else F16
        node = c.c_void_p(self.base.ggml_new_tensor_4d(
            self.context, c.c_int(kind), *(c.c_int64(n) for n in reversed(tensor.shape))))
        c.memmove(self.base.ggml_get_data(node), tensor.data_ptr(),
                  tensor.numel() * tensor.element_size())
        return node

    def run(self):
        if self.cpu.ggml_graph_compute(self.graph, c.byref(self.plan)) != 0:
            raise RuntimeError("ggml_graph_compute failed")

    def output(self, torch):
        data = (c.c_float * math.prod(self.shape)).from_address(self.base.ggml_get_data(self.out))
        return torch.frombuffer(data, dtype=torch.float32).view(self.shape).transpose(1, 2).clone()

    def close(self):
        self.base.ggml_free(self.context)
