/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "standin.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "msl_runtime.h"

/* MSL to a shared object by msl_compile.py; kept under the hash of the text and of all that takes
 * part, in TSKIP_METAL_CACHE or in a folder below the system's for temporary files. */

extern char **environ;
enum { FOLDER_SIZE = 256, PATH_SIZE = 512 };

/* ---- the cache ------------------------------------------------------------------------------- */

static uint64_t hash(uint64_t state, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        state = (state ^ (unsigned char)bytes[i]) * 0x100000001B3u;
    return state;
}

static uint64_t hash_file(uint64_t state, const char *name)
{
    char path[PATH_SIZE], bytes[4096];
    (void)snprintf(path, sizeof path, "%s/%s", STANDIN_FOLDER, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return state;
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, file)) > 0;)
        state = hash(state, bytes, n);
    (void)fclose(file);
    return state;
}

static const char *own_path(void)
{
    static char path[PATH_SIZE];
    Dl_info info;
    if (!path[0] && dladdr((void *)own_path, &info))
        (void)snprintf(path, sizeof path, "%s", info.dli_fname);
    return path;
}

static uint64_t hash_of(const standin_string *source)
{
    static const char *const parts[] = {"msl.h",          "msl_types.h",  "msl_math.h",
                                        "msl_simd.h",     "msl_matrix.h", "msl_runtime.h",
                                        "msl_compile.py", "msl_lint.py"};
    uint64_t state = hash(0xCBF29CE484222325u, source->bytes, source->length);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        state = hash_file(state, parts[i]);
    return hash(state, own_path(), strlen(own_path()));
}

static void cache_folder(char folder[FOLDER_SIZE])
{
    const char *chosen = getenv("TSKIP_METAL_CACHE"), *temporary = getenv("TMPDIR");
    if (chosen)
        (void)snprintf(folder, FOLDER_SIZE, "%s", chosen);
    else
        (void)snprintf(folder, FOLDER_SIZE, "%s/tileskip-metal-%u", temporary ? temporary : "/tmp",
                       (unsigned)getuid());
    (void)mkdir(folder, 0700);
}

/* ---- compiling ------------------------------------------------------------------------------- */

static bool write_file(const char *path, const standin_string *text)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        return false;
    bool written = fwrite(text->bytes, 1, text->length, file) == text->length;
    return fclose(file) == 0 && written;
}

static void read_text(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "rb");
    size_t n = file ? fread(text, 1, size - 1, file) : 0;
    text[n] = '\0';
    if (file)
        (void)fclose(file);
}

/* Its exit status; what it says goes to `log`. */
static int run_compiler(const char *source, const char *object, const char *log)
{
    char *const command[] = {"python3",          STANDIN_FOLDER "/msl_compile.py",
                             (char *)source,     "-o",
                             (char *)object,     "-l",
                             (char *)own_path(), NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    pid_t child;
    int status = 0, failed = posix_spawnp(&child, command[0], &actions, NULL, command, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed)
        return 127;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* Compiles `library`'s text into its place, unless that is done. */
static bool fill_cache(const standin_library *library, const standin_string *source,
                       standin_id *error)
{
    char path[PATH_SIZE], log[PATH_SIZE], text[6000];
    if (access(library->object_path, R_OK) == 0)
        return true;
    (void)snprintf(path, sizeof path, "%s.%d", library->object_path, (int)getpid());
    (void)snprintf(log, sizeof log, "%s.%d.log", library->object_path, (int)getpid());
    if (!write_file(library->source_path, source)) {
        standin_set_error(error, 1, "%s cannot be written", library->source_path);
        return false;
    }
    int status = run_compiler(library->source_path, path, log);
    if (status != 0) {
        read_text(log, text, sizeof text);
        standin_set_error(error, 3, "program_source: status %d\n%s", status, text);
    }
    (void)unlink(log);
    return status == 0 && rename(path, library->object_path) == 0;
}

/* Programs that want the same text at the same time wait for the first. */
static bool compile(standin_library *library, const standin_string *source, standin_id *error)
{
    char folder[FOLDER_SIZE], base[PATH_SIZE - 64], path[PATH_SIZE];
    cache_folder(folder);
    (void)snprintf(base, sizeof base, "%s/%016llx", folder, (unsigned long long)hash_of(source));
    (void)snprintf(path, sizeof path, "%s.metal", base);
    library->source_path = strdup(path);
    (void)snprintf(path, sizeof path, "%s.so", base);
    library->object_path = strdup(path);
    (void)snprintf(path, sizeof path, "%s.lock", base);
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0 || flock(lock, LOCK_EX) != 0) {
        standin_set_error(error, 1, "%s cannot be locked", path);
        return false;
    }
    bool done = fill_cache(library, source, error);
    (void)close(lock);
    return done;
}

static int note_range(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size;
    standin_library *library = context;
    if (!info->dlpi_name || strcmp(info->dlpi_name, library->object_path) != 0)
        return 0;
    library->begin = UINTPTR_MAX;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD)
            continue;
        uintptr_t begin = info->dlpi_addr + part->p_vaddr, end = begin + part->p_memsz;
        library->begin = begin < library->begin ? begin : library->begin;
        library->end = end > library->end ? end : library->end;
    }
    return 1;
}

static bool open_object(standin_library *library, standin_id *error)
{
    library->handle = dlopen(library->object_path, RTLD_NOW | RTLD_LOCAL);
    if (!library->handle) {
        standin_set_error(error, 1, "%s", dlerror());
        return false;
    }
    library->kernels = dlsym(library->handle, "msl_kernels");
    library->constants = dlsym(library->handle, "msl_constants");
    (void)dl_iterate_phdr(note_range, library);
    return library->kernels && library->constants;
}

/* The text with a mistake put in, for test_mistakes.py: the first TSKIP_METAL_REPLACE in it becomes
 * TSKIP_METAL_BY. Owned by the caller. */
static standin_string *planted(const standin_string *source)
{
    const char *old = getenv("TSKIP_METAL_REPLACE"), *by = getenv("TSKIP_METAL_BY");
    const char *at = old && by ? strstr(source->bytes, old) : NULL;
    if (!at)
        return standin_string_new(source->bytes, source->length);
    size_t size = source->length + strlen(by) + 1;
    char *text = malloc(size);
    (void)snprintf(text, size, "%.*s%s%s", (int)(at - source->bytes), source->bytes, by,
                   at + strlen(old));
    standin_string *out = standin_string_new(text, strlen(text));
    free(text);
    return out;
}

standin_id standin_library_new(standin_device *device, const standin_string *source,
                               standin_id *error)
{
    standin_library *out = standin_new(&standin_library_class);
    standin_string *text = planted(source);
    out->device = (standin_device *)objc_retain(&device->object);
    bool made = compile(out, text, error) && open_object(out, error);
    objc_release(&text->object);
    if (made)
        return &out->object;
    objc_release(&out->object);
    return NULL;
}

static void library_destroy(standin_id object)
{
    standin_library *old = (standin_library *)object;
    if (old->handle)
        (void)dlclose(old->handle);
    free(old->source_path);
    free(old->object_path);
    objc_release(&old->device->object);
}

/* ---- functions and their constants ----------------------------------------------------------- */

typedef struct values_object {
    standin_object object;
    standin_value values[STANDIN_MAX_CONSTANTS];
} values_object;

static size_t size_of_type(uint64_t type)
{
    switch (type) {
    case 53: /* bool */
    case 45: /* char, uchar */
    case 49:
        return 1;
    case 16: /* half, short, ushort */
    case 37:
    case 41:
        return 2;
    case 3: /* float, int, uint */
    case 29:
    case 33:
        return 4;
    default:
        return 0;
    }
}

static void values_set(values_object *self, standin_sel selector, const void *value, uint64_t type,
                       uint64_t index)
{
    size_t size = size_of_type(type);
    if (size == 0 || index >= STANDIN_MAX_CONSTANTS) {
        standin_report("%s with type %llu and index %llu, which are not known here", selector->name,
                       (unsigned long long)type, (unsigned long long)index);
        return;
    }
    self->values[index].is_set = true;
    self->values[index].type = (unsigned)type;
    memcpy(self->values[index].bytes, value, size);
}

standin_class standin_values_class = {
    .name = "MTLFunctionConstantValues",
    .size = sizeof(values_object),
    .can_new = true,
    .messages =
        (const standin_message[]){
            {"setConstantValue:type:atIndex:", STANDIN_METHOD(values_set)},
            {NULL, NULL},
        },
};

/* Why Metal would not specialise it; false if it would. */
static bool lacks_constant(const standin_library *library, const values_object *values,
                           standin_id *error)
{
    for (const msl_function_constant *c = library->constants; c->name; c++) {
        const standin_value *v =
            values && c->index < STANDIN_MAX_CONSTANTS ? &values->values[c->index] : NULL;
        if (!v || !v->is_set) {
            if (c->optional && values)
                continue;
            standin_set_error(error, 3, "function constant %s (index %u) has no value", c->name,
                              c->index);
            return true;
        }
        if (v->type != c->type) {
            standin_set_error(error, 3, "function constant %s (index %u) is of type %u, not %u",
                              c->name, c->index, c->type, v->type);
            return true;
        }
    }
    return false;
}

static standin_id library_function(standin_library *self, standin_sel selector,
                                   standin_string *name, values_object *values, standin_id *error)
{
    (void)selector;
    const msl_kernel *kernel = self->kernels;
    while (kernel->name && strcmp(kernel->name, name->bytes) != 0)
        kernel++;
    if (!kernel->name) {
        standin_set_error(error, 5, "there is no kernel %s in the library", name->bytes);
        return NULL;
    }
    if (lacks_constant(self, values, error))
        return NULL;
    standin_function *out = standin_new(&standin_function_class);
    out->library = (standin_library *)objc_retain(&self->object);
    out->kernel = kernel;
    if (values)
        memcpy(out->values, values->values, sizeof out->values);
    return &out->object;
}

static standin_id library_plain_function(standin_library *self, standin_sel selector,
                                         standin_string *name)
{
    return library_function(self, selector, name, NULL, NULL);
}

standin_class standin_library_class = {
    .name = "MTLLibrary",
    .size = sizeof(standin_library),
    .destroy = library_destroy,
    .messages =
        (const standin_message[]){
            {"newFunctionWithName:", STANDIN_METHOD(library_plain_function)},
            {"newFunctionWithName:constantValues:error:", STANDIN_METHOD(library_function)},
            {NULL, NULL},
        },
};

static void function_destroy(standin_id object)
{
    objc_release(&((standin_function *)object)->library->object);
}

standin_class standin_function_class = {
    .name = "MTLFunction",
    .size = sizeof(standin_function),
    .destroy = function_destroy,
};

/* ---- pipelines ------------------------------------------------------------------------------- */

static void pipeline_destroy(standin_id object)
{
    objc_release(&((standin_pipeline *)object)->function->object);
}

static uint64_t pipeline_max_threads(standin_pipeline *self, standin_sel selector)
{
    (void)selector;
    unsigned most = self->function->kernel->max_threads;
    return most ? most : STANDIN_MAX_GROUP_THREADS;
}

static uint64_t pipeline_width(standin_pipeline *self, standin_sel selector)
{
    (void)self, (void)selector;
    return 32;
}

static uint64_t pipeline_static_memory(standin_pipeline *self, standin_sel selector)
{
    (void)self, (void)selector;
    return 0;
}

standin_class standin_pipeline_class = {
    .name = "MTLComputePipelineState",
    .size = sizeof(standin_pipeline),
    .destroy = pipeline_destroy,
    .messages =
        (const standin_message[]){
            {"maxTotalThreadsPerThreadgroup", STANDIN_METHOD(pipeline_max_threads)},
            {"threadExecutionWidth", STANDIN_METHOD(pipeline_width)},
            {"staticThreadgroupMemoryLength", STANDIN_METHOD(pipeline_static_memory)},
            {NULL, NULL},
        },
};
