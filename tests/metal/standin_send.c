/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "standin.h"

#include <stdio.h>
#include <string.h>

/* objc_msgSend, and what every object and every class answers. */

static standin_id send_retain(standin_id self, standin_sel selector)
{
    (void)selector;
    return objc_retain(self);
}

static void send_release(standin_id self, standin_sel selector)
{
    (void)selector;
    objc_release(self);
}

static standin_id send_autorelease(standin_id self, standin_sel selector)
{
    (void)selector;
    return standin_autorelease(self);
}

static uint64_t send_count(standin_id self, standin_sel selector)
{
    (void)selector;
    return (uint64_t)self->count;
}

static signed char send_responds(standin_id self, standin_sel selector, standin_sel asked)
{
    (void)selector;
    return standin_responds(self, asked);
}

static void *send_class(standin_id self, standin_sel selector)
{
    (void)selector;
    return self->isa;
}

static void *send_new(standin_class *self, standin_sel selector)
{
    if (self->can_new)
        return standin_new(self);
    standin_report("%s to the class %s, which Metal makes only itself", selector->name, self->name);
    return NULL;
}

static standin_id send_init(standin_id self, standin_sel selector)
{
    (void)selector;
    return self;
}

static const standin_message of_objects[] = {
    {"retain", STANDIN_METHOD(send_retain)},
    {"release", STANDIN_METHOD(send_release)},
    {"autorelease", STANDIN_METHOD(send_autorelease)},
    {"retainCount", STANDIN_METHOD(send_count)},
    {"respondsToSelector:", STANDIN_METHOD(send_responds)},
    {"class", STANDIN_METHOD(send_class)},
    {"init", STANDIN_METHOD(send_init)},
    {NULL, NULL},
};

static const standin_message of_classes[] = {
    {"new", STANDIN_METHOD(send_new)},
    {"alloc", STANDIN_METHOD(send_new)},
    {"respondsToSelector:", STANDIN_METHOD(send_responds)},
    {NULL, NULL},
};

static standin_method find_in(const standin_message *messages, const char *name)
{
    for (; messages && messages->selector; messages++)
        if (strcmp(messages->selector, name) == 0)
            return messages->method;
    return NULL;
}

static standin_method find(standin_id object, standin_sel selector)
{
    bool is_class = object->magic == STANDIN_CLASS_MAGIC;
    const standin_class *of = is_class ? (standin_class *)(void *)object : object->isa;
    if (of->is_lacking && of->is_lacking(selector->name))
        return NULL;
    standin_method own_method =
        find_in(is_class ? of->class_messages : of->messages, selector->name);
    return own_method ? own_method : find_in(is_class ? of_classes : of_objects, selector->name);
}

bool standin_responds(standin_id object, standin_sel selector)
{
    return find(object, selector) != NULL;
}

void standin_answer_nothing(void);

/* What objc_msgSend jumps to. */
__attribute__((used)) standin_method standin_look_up(standin_id object, standin_sel selector)
{
    if (!object)
        return standin_answer_nothing;
    char message[128];
    (void)snprintf(message, sizeof message, "-%.100s", selector->name);
    if (!standin_is_alive(object, message))
        return standin_answer_nothing;
    standin_method found = find(object, selector);
    if (found)
        return found;
    standin_report("unrecognized selector %s sent to a %s", message,
                   object->magic == STANDIN_CLASS_MAGIC ? ((standin_class *)(void *)object)->name
                                                        : object->isa->name);
    return standin_answer_nothing;
}

/* Arguments stay where they are: registers are saved and restored, the stack is not touched. */
#if defined(__x86_64__)
__asm__(".text\n"
        ".globl objc_msgSend\n"
        ".type objc_msgSend, @function\n"
        "objc_msgSend:\n"
        "    pushq %rbp\n"
        "    movq %rsp, %rbp\n"
        "    subq $192, %rsp\n"
        "    movq %rdi, 0(%rsp)\n"
        "    movq %rsi, 8(%rsp)\n"
        "    movq %rdx, 16(%rsp)\n"
        "    movq %rcx, 24(%rsp)\n"
        "    movq %r8, 32(%rsp)\n"
        "    movq %r9, 40(%rsp)\n"
        "    movaps %xmm0, 48(%rsp)\n"
        "    movaps %xmm1, 64(%rsp)\n"
        "    movaps %xmm2, 80(%rsp)\n"
        "    movaps %xmm3, 96(%rsp)\n"
        "    movaps %xmm4, 112(%rsp)\n"
        "    movaps %xmm5, 128(%rsp)\n"
        "    movaps %xmm6, 144(%rsp)\n"
        "    movaps %xmm7, 160(%rsp)\n"
        "    call standin_look_up\n"
        "    movq %rax, %r11\n"
        "    movq 0(%rsp), %rdi\n"
        "    movq 8(%rsp), %rsi\n"
        "    movq 16(%rsp), %rdx\n"
        "    movq 24(%rsp), %rcx\n"
        "    movq 32(%rsp), %r8\n"
        "    movq 40(%rsp), %r9\n"
        "    movaps 48(%rsp), %xmm0\n"
        "    movaps 64(%rsp), %xmm1\n"
        "    movaps 80(%rsp), %xmm2\n"
        "    movaps 96(%rsp), %xmm3\n"
        "    movaps 112(%rsp), %xmm4\n"
        "    movaps 128(%rsp), %xmm5\n"
        "    movaps 144(%rsp), %xmm6\n"
        "    movaps 160(%rsp), %xmm7\n"
        "    leave\n"
        "    jmp *%r11\n"
        ".globl standin_answer_nothing\n"
        ".hidden standin_answer_nothing\n"
        "standin_answer_nothing:\n"
        "    xorl %eax, %eax\n"
        "    xorps %xmm0, %xmm0\n"
        "    ret\n");
#elif defined(__aarch64__)
__asm__(".text\n"
        ".globl objc_msgSend\n"
        ".type objc_msgSend, %function\n"
        "objc_msgSend:\n"
        "    sub sp, sp, #224\n"
        "    stp x0, x1, [sp, #0]\n"
        "    stp x2, x3, [sp, #16]\n"
        "    stp x4, x5, [sp, #32]\n"
        "    stp x6, x7, [sp, #48]\n"
        "    stp x8, x30, [sp, #64]\n"
        "    stp q0, q1, [sp, #80]\n"
        "    stp q2, q3, [sp, #112]\n"
        "    stp q4, q5, [sp, #144]\n"
        "    stp q6, q7, [sp, #176]\n"
        "    bl standin_look_up\n"
        "    mov x16, x0\n"
        "    ldp x0, x1, [sp, #0]\n"
        "    ldp x2, x3, [sp, #16]\n"
        "    ldp x4, x5, [sp, #32]\n"
        "    ldp x6, x7, [sp, #48]\n"
        "    ldp x8, x30, [sp, #64]\n"
        "    ldp q0, q1, [sp, #80]\n"
        "    ldp q2, q3, [sp, #112]\n"
        "    ldp q4, q5, [sp, #144]\n"
        "    ldp q6, q7, [sp, #176]\n"
        "    add sp, sp, #224\n"
        "    br x16\n"
        ".globl standin_answer_nothing\n"
        ".hidden standin_answer_nothing\n"
        "standin_answer_nothing:\n"
        "    mov x0, #0\n"
        "    movi d0, #0\n"
        "    ret\n");
#else
#error "objc_msgSend is written for x86-64 and AArch64"
#endif
