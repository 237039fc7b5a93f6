/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TESTS_METAL_MESSAGE_H
#define TESTS_METAL_MESSAGE_H

#include <stdint.h>

/* Messages from C, as the backend sends them: objc_msgSend cast to the exact type. */

typedef struct standin_object *id;
typedef const struct standin_selector *selector;
typedef struct mtl_size {
    uint64_t width, height, depth;
} mtl_size;

void objc_msgSend(void);
selector sel_registerName(const char *name);
id objc_getClass(const char *name);
void *objc_autoreleasePoolPush(void);
void objc_autoreleasePoolPop(void *pool);
id MTLCreateSystemDefaultDevice(void);

static void (*volatile message_send)(void) = objc_msgSend;

/* SENDn(result, receiver, "selector:…", the n types of its arguments, the n arguments) */
#define SEND(R, to, name) ((R(*)(id, selector))message_send)((to), sel_registerName(name))
#define SEND1(R, to, name, A, a)                                                                   \
    ((R(*)(id, selector, A))message_send)((to), sel_registerName(name), (a))
#define SEND2(R, to, name, A, B, a, b)                                                             \
    ((R(*)(id, selector, A, B))message_send)((to), sel_registerName(name), (a), (b))
#define SEND3(R, to, name, A, B, C, a, b, c)                                                       \
    ((R(*)(id, selector, A, B, C))message_send)((to), sel_registerName(name), (a), (b), (c))

static inline id string(const char *text)
{
    return SEND1(id, objc_getClass("NSString"), "stringWithUTF8String:", const char *, text);
}

static inline const char *utf8(id text)
{
    return SEND(const char *, text, "UTF8String");
}

#endif
