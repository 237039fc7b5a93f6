/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "standin.h"

/* Objects of Metal 4, which share selectors with those of Metal and take no buffers: there to be
 * handed to who expects the others. Any message that would do something does nothing. */

static void nothing(standin_id self, standin_sel selector)
{
    (void)self, (void)selector;
}

static standin_id buffer_encoder(standin_id self, standin_sel selector)
{
    (void)self, (void)selector;
    return standin_autorelease(standin_new(&standin_encoder4_class));
}

standin_class standin_queue4_class = {
    .name = "MTL4CommandQueue",
    .size = sizeof(standin_object),
    .messages =
        (const standin_message[]){
            {"commit:count:", STANDIN_METHOD(nothing)},
            {"signalEvent:value:", STANDIN_METHOD(nothing)},
            {"waitForEvent:value:", STANDIN_METHOD(nothing)},
            {NULL, NULL},
        },
};

standin_class standin_command_buffer4_class = {
    .name = "MTL4CommandBuffer",
    .size = sizeof(standin_object),
    .messages =
        (const standin_message[]){
            {"beginCommandBufferWithAllocator:", STANDIN_METHOD(nothing)},
            {"computeCommandEncoder", STANDIN_METHOD(buffer_encoder)},
            {"endCommandBuffer", STANDIN_METHOD(nothing)},
            {NULL, NULL},
        },
};

standin_class standin_allocator4_class = {
    .name = "MTL4CommandAllocator",
    .size = sizeof(standin_object),
    .messages = (const standin_message[]){{NULL, NULL}},
};

standin_class standin_encoder4_class = {
    .name = "MTL4ComputeCommandEncoder",
    .size = sizeof(standin_object),
    .messages =
        (const standin_message[]){
            {"setComputePipelineState:", STANDIN_METHOD(nothing)},
            {"setArgumentTable:", STANDIN_METHOD(nothing)},
            {"setThreadgroupMemoryLength:atIndex:", STANDIN_METHOD(nothing)},
            {"dispatchThreadgroups:threadsPerThreadgroup:", STANDIN_METHOD(nothing)},
            {"endEncoding", STANDIN_METHOD(nothing)},
            {NULL, NULL},
        },
};
