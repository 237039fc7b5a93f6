/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CUDA_SM90_H
#define TSKIP_KERNELS_CUDA_SM90_H

#include "kernels/shared/types.h"

/* Hopper's own instructions under readable names: barriers in shared memory, tensor copies, the
 * order between the two ways to shared memory, registers that move between warpgroups. Addresses
 * of shared memory are 32-bit numbers of the shared window. */

/* A tensor map as the driver encodes it; travels as a kernel parameter. */
struct alignas(64) tensor_map {
    tskip_u8 opaque[128];
};

TSKIP__FN tskip_u32 shared_address(const void *p)
{
    return (tskip_u32)__cvta_generic_to_shared(p);
}

/* Hides where a value came from, so that what is derived from it is computed again rather than
 * kept in a register. */
TSKIP__FN tskip_u32 opaque(tskip_u32 x)
{
    asm volatile("" : "+r"(x));
    return x;
}

/* ---- words in shared memory ------------------------------------------------------------------ */

TSKIP__FN void store_word(tskip_u32 at, tskip_u32 value)
{
    asm volatile("st.shared.u32 [%0], %1;" ::"r"(at), "r"(value) : "memory");
}

TSKIP__FN tskip_u32 load_word(tskip_u32 at)
{
    tskip_u32 value;
    asm volatile("ld.shared.u32 %0, [%1];" : "=r"(value) : "r"(at) : "memory");
    return value;
}

/* A row of 128 bytes becomes 0, however it is swizzled. */
TSKIP__FN void clear_row(tskip_u32 at)
{
#pragma unroll
    for (tskip_u32 i = 0; i < 128; i += 16)
        asm volatile("st.shared.v4.u32 [%0], {%1, %1, %1, %1};" ::"r"(at + i), "r"(0) : "memory");
}

/* ---- barriers ------------------------------------------------------------------------------ */

/* A barrier's phase n is complete when all its arrivals and announced bytes of that phase are in.
 * Waiting names the phase by its parity: a fresh barrier lets parity 1 pass and holds parity 0. */
TSKIP__FN void barrier_init(tskip_u32 barrier, tskip_u32 arrivals)
{
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals));
}

TSKIP__FN void barrier_init_done()
{
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}

TSKIP__FN void barrier_arrive(tskip_u32 barrier)
{
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}

/* Arrives at the same barrier of another group of the cluster. */
TSKIP__FN void barrier_arrive_at(tskip_u32 barrier, tskip_u32 rank)
{
    asm volatile("{\n.reg .b32 remote;\n"
                 "mapa.shared::cluster.u32 remote, %0, %1;\n"
                 "mbarrier.arrive.shared::cluster.b64 _, [remote];\n}" ::"r"(barrier),
                 "r"(rank)
                 : "memory");
}

TSKIP__FN void barrier_arrive_expect(tskip_u32 barrier, tskip_u32 bytes)
{
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes)
                 : "memory");
}

TSKIP__FN void barrier_wait(tskip_u32 barrier, tskip_u32 parity)
{
    asm volatile("{\n.reg .pred done;\nagain:\n"
                 "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
                 "@!done bra again;\n}" ::"r"(barrier),
                 "r"(parity)
                 : "memory");
}

/* The same, for a wait that the compiler may begin before the work in front of it is done: the
 * first look does not suspend the thread. */
TSKIP__FN void barrier_wait_later(tskip_u32 barrier, tskip_u32 parity)
{
    asm volatile("{\n.reg .pred done;\n"
                 "mbarrier.test_wait.parity.shared::cta.b64 done, [%0], %1;\n"
                 "@done bra over;\nagain:\n"
                 "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
                 "@!done bra again;\nover:\n}" ::"r"(barrier),
                 "r"(parity)
                 : "memory");
}

/* The hardware's numbered barriers, among `threads` threads of a group. */
TSKIP__FN void named_sync(tskip_u32 id, tskip_u32 threads)
{
    asm volatile("barrier.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

TSKIP__FN void named_arrive(tskip_u32 id, tskip_u32 threads)
{
    asm volatile("barrier.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

/* A place in a ring of stages and the parity of its current use. */
struct ring {
    tskip_u32 stage, parity;
};

template <tskip_u32 STAGES> TSKIP__FN void ring_next(ring &r)
{
    r.stage++;
    if (r.stage == STAGES) {
        r.stage = 0;
        r.parity ^= 1;
    }
}

/* ---- copies -------------------------------------------------------------------------------- */

/* Fetches the box at (column, row, head, batch) of a tensor and counts its bytes at `barrier`.
 * What lies outside the tensor arrives as zeros, and is counted. */
TSKIP__FN void fetch_box(const tensor_map *map, tskip_u32 to, tskip_u32 barrier, tskip_i32 column,
                         tskip_i32 row, tskip_u32 head, tskip_u32 batch)
{
    asm volatile("cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes "
                 "[%0], [%1, {%2, %3, %4, %5}], [%6];" ::"r"(to),
                 "l"(map), "r"(column), "r"(row), "r"(head), "r"(batch), "r"(barrier)
                 : "memory");
}

/* The same into every group of the cluster whose bit is set: to the same offset, counted at the
 * same barrier of each. */
TSKIP__FN void fetch_box_for(tskip_u32 groups, const tensor_map *map, tskip_u32 to,
                             tskip_u32 barrier, tskip_i32 column, tskip_i32 row, tskip_u32 head,
                             tskip_u32 batch)
{
    asm volatile("cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes"
                 ".multicast::cluster [%0], [%1, {%2, %3, %4, %5}], [%6], %7;" ::"r"(to),
                 "l"(map), "r"(column), "r"(row), "r"(head), "r"(batch), "r"(barrier),
                 "h"((unsigned short)groups)
                 : "memory");
}

TSKIP__FN void prefetch_map(const tensor_map *map)
{
    asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory");
}

/* Makes what this thread stored in shared memory visible to copies and to matrix products. */
TSKIP__FN void publish_shared()
{
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

/* ---- clusters and registers ---------------------------------------------------------------- */

TSKIP__FN tskip_u32 cluster_rank()
{
    tskip_u32 rank;
    asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
    return rank;
}

TSKIP__FN void cluster_sync()
{
    asm volatile("barrier.cluster.arrive.release.aligned;\n"
                 "barrier.cluster.wait.acquire.aligned;" ::
                     : "memory");
}

/* All warps of a warpgroup together; multiples of 8. */
template <int REGISTERS> TSKIP__FN void shrink_registers()
{
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(REGISTERS));
}

template <int REGISTERS> TSKIP__FN void grow_registers()
{
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(REGISTERS));
}

#endif
