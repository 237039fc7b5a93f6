# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""The few calls of libtileskip that timing needs, through ctypes. Structs as in tileskip/*.h."""
import ctypes as c

DTYPES = {"float32": 1, "float16": 2, "bfloat16": 3, "bool": 4}


def _struct(name, /, **fields):
    return type(name, (c.Structure,), {"_fields_": list(fields.items())})


DeviceDesc = _struct("DeviceDesc", name=c.c_char_p, threads=c.c_uint32, parallel_for=c.c_void_p,
                     user=c.c_void_p, native=c.c_void_p)
EncoderDesc = _struct("EncoderDesc", stream=c.c_void_p)
MaskTensor = _struct("MaskTensor", buffer=c.c_void_p, offset=c.c_uint64, dtype=c.c_int,
                     rank=c.c_uint32, shape=c.c_int64 * 4, strides=c.c_int64 * 4)
MaskDesc = _struct("MaskDesc", rules=c.c_char_p, values=c.c_void_p, tensor=MaskTensor,
                   n_heads=c.c_uint32)
Extent = _struct("Extent", batch=c.c_uint32, n_heads=c.c_uint32, q_len=c.c_int64, k_len=c.c_int64,
                 q_offset=c.c_int64, k_offset=c.c_int64)
Tile = _struct("Tile", bq=c.c_uint32, bk=c.c_uint32)
Strides = _struct("Strides", batch=c.c_int64, head=c.c_int64, row=c.c_int64)
AttentionDesc = _struct("AttentionDesc", extent=Extent, n_kv_heads=c.c_uint32,
                        head_dim=c.c_uint32, head_dim_v=c.c_uint32, dtype=c.c_int,
                        out_dtype=c.c_int, scale=c.c_float, softcap=c.c_float, sinks=c.c_bool,
                        lse=c.c_bool, no_skip=c.c_bool, unaligned=c.c_bool,
                        mask=c.c_void_p, tile=Tile, q=Strides, k=Strides, v=Strides, o=Strides)
PlanInfo = _struct("PlanInfo", desc=AttentionDesc, tile=Tile, uses_map=c.c_bool,
                   workspace_size=c.c_uint64, group_memory=c.c_uint64)
MapDesc = _struct("MapDesc", mask=c.c_void_p, extent=Extent, tile=Tile)
Slice = _struct("Slice", buffer=c.c_void_p, offset=c.c_uint64)
Tensors = _struct("Tensors", q=Slice, k=Slice, v=Slice, o=Slice, lse=Slice, sinks=Slice,
                  workspace=Slice, map=c.c_void_p)


class Tileskip:
    """A device and the library behind it. With `stream` (of the caller's, an integer handle) commands
    go there and nothing waits for them."""

    def __init__(self, path, threads=0, device="cpu", stream=None):
        self.lib = c.CDLL(path)
        for name in ("tskip_last_error", "tskip_plan_describe", "tskip_version"):
            getattr(self.lib, name).restype = c.c_char_p
        self.lib.tskip_plan_get_info.restype = c.POINTER(PlanInfo)
        self.stream = stream
        self.device = self._create("tskip_device_open",
                                   c.byref(DeviceDesc(name=device.encode(), threads=threads)))

    def check(self, status):
        if status != 0:
            raise RuntimeError(self.lib.tskip_last_error().decode())

    def _create(self, function, *arguments):
        out = c.c_void_p()
        self.check(getattr(self.lib, function)(*arguments, c.byref(out)))
        return out

    def buffer(self, tensor):
        """A buffer over a torch tensor's own memory."""
        return self._create("tskip_buffer_import", self.device, c.c_void_p(tensor.data_ptr()),
                            c.c_uint64(tensor.numel() * tensor.element_size()))

    def memory(self, size):
        return self._create("tskip_buffer_create", self.device, c.c_uint64(size)) if size else None

    def encoder(self):
        desc = EncoderDesc(stream=self.stream) if self.stream else None
        return self._create("tskip_encoder_create", self.device, desc and c.byref(desc))

    def mask(self, rules, tensor):
        """Of rules (text) or of a [q, k] tensor; None without either."""
        if not rules and tensor is None:
            return None
        desc = MaskDesc(rules=rules.encode() if tensor is None else None)
        if tensor is not None:
            dtype = DTYPES[str(tensor.dtype).removeprefix("torch.")]
            desc.tensor = MaskTensor(buffer=self.buffer(tensor), dtype=dtype, rank=2,
                                     shape=(c.c_int64 * 4)(*tensor.shape))
        return self._create("tskip_mask_create", self.device, c.byref(desc))

    def run(self, encode, encoder, *arguments):
        """Encodes; where the encoder is not on the caller's stream, submits and waits."""
        self.check(encode(*arguments))
        if self.stream is None:
            self.check(self.lib.tskip_encoder_submit(encoder))
            self.check(self.lib.tskip_encoder_wait(encoder))
            self.check(self.lib.tskip_encoder_reset(encoder))


class Attention:
    """One problem, planned: `run` computes it into the tensor `o`.

    rules: text or None. tensor: a [q, k] mask or None. keep_map: build the map now, not in each run.
    """

    def __init__(self, ts, q, k, v, o, rules=None, tensor=None, keep_map=False):
        self.ts, lib = ts, ts.lib
        _, heads, q_len, dim = q.shape
        _, kv_heads, k_len, dim_v = v.shape
        self.alive = (q, k, v, o, tensor)
        mask = ts.mask(rules, tensor)
        extent = Extent(1, heads, q_len, k_len, 0, 0)
        dtype = DTYPES[str(q.dtype).removeprefix("torch.")]
        self.desc = AttentionDesc(extent=extent, n_kv_heads=kv_heads, head_dim=dim,
                                  head_dim_v=dim_v, dtype=dtype, mask=mask)
        self.plan = ts._create("tskip_plan_create", ts.device, c.byref(self.desc))
        info = lib.tskip_plan_get_info(self.plan).contents
        self.encoder = ts.encoder()
        self.tensors = Tensors(*(Slice(ts.buffer(t), 0) for t in (q, k, v, o)),
                               workspace=Slice(ts.memory(info.workspace_size), 0))
        if keep_map and mask is not None:
            map_desc = MapDesc(mask, extent, info.tile)
            self.tensors.map = ts._create("tskip_tile_map_build", c.byref(map_desc))

    def tile(self):
        tile = self.ts.lib.tskip_plan_get_info(self.plan).contents.tile
        return tile.bq, tile.bk

    def describe(self):
        return self.ts.lib.tskip_plan_describe(self.plan).decode()

    def run(self):
        lib = self.ts.lib
        self.ts.run(lib.tskip_attention_encode, self.encoder, self.plan, self.encoder,
                    c.byref(self.tensors))


class TileMap:
    """A mask's tile map: `run` builds it anew."""

    def __init__(self, ts, q_len, k_len, tile, rules=None, tensor=None):
        self.ts, self.alive = ts, tensor
        desc = MapDesc(ts.mask(rules, tensor), Extent(1, 1, q_len, k_len, 0, 0), Tile(*tile))
        self.map = ts._create("tskip_tile_map_create", c.byref(desc))
        self.encoder = ts.encoder()

    def run(self):
        self.ts.run(self.ts.lib.tskip_tile_map_encode, self.encoder, self.map, self.encoder)

    def counts(self):
        """Tiles by class: skip, mixed, full."""
        out = (c.c_uint64 * 3)()
        self.ts.check(self.ts.lib.tskip_tile_map_count(self.map, c.byref(out)))
        return list(out)
