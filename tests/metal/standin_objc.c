/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "standin.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- reports --------------------------------------------------------------------------------- */

enum { REPORTS_SIZE = 1 << 16, MAX_PRINTED = 20 };
static char reports[REPORTS_SIZE];
static size_t reports_used, n_breaches;

static void at_exit(void)
{
    metal_standin_live(true);
    if (metal_standin_breaches() == 0)
        return;
    (void)fprintf(stderr, "metal stand-in: %zu breaches\n", metal_standin_breaches());
    (void)fflush(NULL);
    _exit(STANDIN_EXIT);
}

__attribute__((constructor)) static void at_load(void)
{
    (void)atexit(at_exit);
}

void standin_report(const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&lock);
    int n = snprintf(reports + reports_used, REPORTS_SIZE - reports_used, "%s\n", line);
    if (n > 0 && (size_t)n < REPORTS_SIZE - reports_used)
        reports_used += (size_t)n;
    reports[reports_used] = '\0';
    if (n_breaches++ < MAX_PRINTED)
        (void)fprintf(stderr, "metal stand-in: %s\n", line);
    pthread_mutex_unlock(&lock);
}

size_t metal_standin_breaches(void)
{
    pthread_mutex_lock(&lock);
    size_t n = n_breaches;
    pthread_mutex_unlock(&lock);
    return n;
}

size_t metal_standin_take(char *text, size_t size)
{
    pthread_mutex_lock(&lock);
    size_t n = n_breaches;
    if (size > 0)
        (void)snprintf(text, size, "%s", reports);
    n_breaches = reports_used = 0;
    reports[0] = '\0';
    pthread_mutex_unlock(&lock);
    return n;
}

/* ---- selectors and classes ------------------------------------------------------------------- */

enum { MAX_SELECTORS = 512 };
static struct standin_selector selectors[MAX_SELECTORS];
static _Atomic size_t n_selectors;

standin_sel standin_selector(const char *name)
{
    pthread_mutex_lock(&lock);
    size_t i = 0;
    while (i < n_selectors && strcmp(selectors[i].name, name) != 0)
        i++;
    if (i == n_selectors && i < MAX_SELECTORS) {
        selectors[i].name = strdup(name);
        n_selectors++;
    }
    pthread_mutex_unlock(&lock);
    return i < MAX_SELECTORS ? &selectors[i] : NULL;
}

STANDIN_EXPORT standin_sel sel_registerName(const char *name)
{
    return standin_selector(name);
}

STANDIN_EXPORT standin_class *objc_getClass(const char *name)
{
    for (standin_class *const *of = standin_classes; *of; of++)
        if (strcmp((*of)->name, name) == 0) {
            (*of)->magic = STANDIN_CLASS_MAGIC;
            return *of;
        }
    return NULL;
}

/* ---- lives ----------------------------------------------------------------------------------- */

static standin_object alive = {.previous = &alive, .next = &alive};

void *standin_new(standin_class *of)
{
    standin_object *object = calloc(1, of->size);
    if (!object)
        return NULL;
    object->isa = of;
    object->magic = STANDIN_LIVE_MAGIC;
    object->count = 1;
    pthread_mutex_lock(&lock);
    object->next = &alive;
    object->previous = alive.previous;
    alive.previous->next = object;
    alive.previous = object;
    pthread_mutex_unlock(&lock);
    return object;
}

/* Whether `object` can take a message; says what is wrong if not. */
static bool is_alive(standin_id object, const char *message)
{
    if (object->magic == STANDIN_CLASS_MAGIC || object->magic == STANDIN_LIVE_MAGIC)
        return true;
    if (object->magic == STANDIN_DEAD_MAGIC)
        standin_report("%s to a %s that was released for the last time", message,
                       object->isa->name);
    else
        standin_report("%s to %p, which is no object", message, (void *)object);
    return false;
}

standin_id objc_retain(standin_id object)
{
    if (object && is_alive(object, "retain") && object->magic == STANDIN_LIVE_MAGIC)
        object->count++;
    return object;
}

void objc_release(standin_id object)
{
    if (!object || !is_alive(object, "release") || object->magic != STANDIN_LIVE_MAGIC)
        return;
    if (--object->count > 0)
        return;
    pthread_mutex_lock(&lock);
    object->previous->next = object->next;
    object->next->previous = object->previous;
    pthread_mutex_unlock(&lock);
    object->magic = STANDIN_DEAD_MAGIC;
    if (object->isa->destroy)
        object->isa->destroy(object);
}

size_t metal_standin_live(bool report)
{
    size_t n = 0;
    pthread_mutex_lock(&lock);
    standin_object *first = alive.next;
    pthread_mutex_unlock(&lock);
    for (standin_object *object = first; object != &alive; object = object->next, n++)
        if (report)
            standin_report("leak: a %s is still owned, %ld times", object->isa->name,
                           (long)object->count);
    long extra = standin_the_device()->object.count - 1;
    if (extra != 0 && report)
        standin_report("leak: the MTLDevice is still owned, %ld times", extra);
    return n + (extra != 0);
}

/* ---- autorelease ----------------------------------------------------------------------------- */

/* A thread's pools as one stack: a NULL begins each. */
typedef struct pools {
    standin_id *objects;
    size_t n, capacity;
} pools;
static __thread pools own __attribute__((tls_model("initial-exec")));

static void *push(standin_id object)
{
    if (own.n == own.capacity) {
        own.capacity = own.capacity ? 2 * own.capacity : 64;
        own.objects = realloc(own.objects, own.capacity * sizeof *own.objects);
        if (!own.objects)
            abort();
    }
    own.objects[own.n++] = object;
    return (void *)own.n;
}

STANDIN_EXPORT void *objc_autoreleasePoolPush(void)
{
    return push(NULL);
}

STANDIN_EXPORT void objc_autoreleasePoolPop(void *pool)
{
    size_t base = (size_t)pool;
    if (base == 0 || base > own.n || own.objects[base - 1]) {
        standin_report("objc_autoreleasePoolPop of %p, which is no pool of this thread", pool);
        return;
    }
    while (own.n >= base) {
        standin_id object = own.objects[--own.n];
        objc_release(object);
    }
    if (own.n == 0) {
        free(own.objects);
        own = (pools){0};
    }
}

standin_id standin_autorelease(standin_id object)
{
    if (!object)
        return NULL;
    if (own.n == 0)
        standin_report("a %s is autoreleased and there is no pool: it leaks", object->isa->name);
    else
        push(object);
    return object;
}

/* ---- messages -------------------------------------------------------------------------------- */

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
    if (!is_alive(object, message))
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
