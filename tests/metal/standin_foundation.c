/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "standin.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- NSString -------------------------------------------------------------------------------- */

standin_string *standin_string_new(const char *bytes, size_t length)
{
    standin_string *out = standin_new(&standin_string_class);
    out->bytes = malloc(length + 1);
    memcpy(out->bytes, bytes, length);
    out->bytes[length] = '\0';
    out->length = length;
    return out;
}

static void string_destroy(standin_id object)
{
    free(((standin_string *)object)->bytes);
}

static standin_id string_with_utf8(standin_class *self, standin_sel selector, const char *bytes)
{
    (void)self, (void)selector;
    return standin_autorelease(&standin_string_new(bytes, strlen(bytes))->object);
}

static const char *string_utf8(standin_string *self, standin_sel selector)
{
    (void)selector;
    return self->bytes;
}

static uint64_t string_length(standin_string *self, standin_sel selector)
{
    (void)selector;
    return self->length;
}

standin_class standin_string_class = {
    .name = "NSString",
    .size = sizeof(standin_string),
    .destroy = string_destroy,
    .messages =
        (const standin_message[]){
            {"UTF8String", STANDIN_METHOD(string_utf8)},
            {"length", STANDIN_METHOD(string_length)},
            {"lengthOfBytesUsingEncoding:", STANDIN_METHOD(string_length)},
            {NULL, NULL},
        },
    .class_messages =
        (const standin_message[]){
            {"stringWithUTF8String:", STANDIN_METHOD(string_with_utf8)},
            {NULL, NULL},
        },
};

/* ---- NSError --------------------------------------------------------------------------------- */

void standin_set_error(standin_id *error, long code, const char *format, ...)
{
    if (!error)
        return;
    char text[8192];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    standin_error *out = standin_new(&standin_error_class);
    out->text = standin_string_new(text, strlen(text));
    out->code = code;
    *error = standin_autorelease(&out->object);
}

static void error_destroy(standin_id object)
{
    objc_release(&((standin_error *)object)->text->object);
}

static standin_id error_text(standin_error *self, standin_sel selector)
{
    (void)selector;
    return standin_autorelease(objc_retain(&self->text->object));
}

static long error_code(standin_error *self, standin_sel selector)
{
    (void)selector;
    return self->code;
}

standin_class standin_error_class = {
    .name = "NSError",
    .size = sizeof(standin_error),
    .destroy = error_destroy,
    .messages =
        (const standin_message[]){
            {"localizedDescription", STANDIN_METHOD(error_text)},
            {"code", STANDIN_METHOD(error_code)},
            {NULL, NULL},
        },
};

/* ---- NSArray --------------------------------------------------------------------------------- */

typedef struct array {
    standin_object object;
    standin_id *items;
    size_t n;
} array;

standin_id standin_array_of(standin_id const *objects, size_t n)
{
    array *out = standin_new(&standin_array_class);
    out->items = calloc(n + 1, sizeof *out->items);
    out->n = n;
    for (size_t i = 0; i < n; i++)
        out->items[i] = objc_retain(objects[i]);
    return standin_autorelease(&out->object);
}

static void array_destroy(standin_id object)
{
    array *old = (array *)object;
    for (size_t i = 0; i < old->n; i++)
        objc_release(old->items[i]);
    free(old->items);
}

static uint64_t array_count(array *self, standin_sel selector)
{
    (void)selector;
    return self->n;
}

static standin_id array_at(array *self, standin_sel selector, uint64_t index)
{
    (void)selector;
    if (index < self->n)
        return self->items[index];
    standin_report("objectAtIndex:%llu of an NSArray of %zu", (unsigned long long)index, self->n);
    return NULL;
}

standin_class standin_array_class = {
    .name = "NSArray",
    .size = sizeof(array),
    .destroy = array_destroy,
    .messages =
        (const standin_message[]){
            {"count", STANDIN_METHOD(array_count)},
            {"objectAtIndex:", STANDIN_METHOD(array_at)},
            {NULL, NULL},
        },
};

/* ---- NSAutoreleasePool ----------------------------------------------------------------------- */

void *objc_autoreleasePoolPush(void);
void objc_autoreleasePoolPop(void *pool);

typedef struct pool_object {
    standin_object object;
    void *pool;
} pool_object;

static standin_id pool_init(pool_object *self, standin_sel selector)
{
    (void)selector;
    self->pool = objc_autoreleasePoolPush();
    return &self->object;
}

static standin_id pool_new(standin_class *self, standin_sel selector)
{
    return pool_init(standin_new(self), selector);
}

static void pool_destroy(standin_id object)
{
    objc_autoreleasePoolPop(((pool_object *)object)->pool);
}

static void pool_drain(standin_id self, standin_sel selector)
{
    (void)selector;
    objc_release(self);
}

standin_class standin_pool_class = {
    .name = "NSAutoreleasePool",
    .size = sizeof(pool_object),
    .can_new = true,
    .destroy = pool_destroy,
    .messages =
        (const standin_message[]){
            {"init", STANDIN_METHOD(pool_init)},
            {"drain", STANDIN_METHOD(pool_drain)},
            {NULL, NULL},
        },
    .class_messages =
        (const standin_message[]){
            {"new", STANDIN_METHOD(pool_new)},
            {NULL, NULL},
        },
};

standin_class *const standin_classes[] = {
    &standin_string_class,         &standin_error_class,    &standin_array_class,
    &standin_pool_class,           &standin_device_class,   &standin_options_class,
    &standin_buffer_class,         &standin_library_class,  &standin_values_class,
    &standin_function_class,       &standin_pipeline_class, &standin_queue_class,
    &standin_command_buffer_class, &standin_encoder_class,  NULL,
};
