/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "cli_option.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
} COMMANDS[] = {
    {"devices", cmd_devices, "list what attention can run on here"},
    {"map", cmd_map, "build a tile map from rules or a mask, count and draw it"},
    {"attend", cmd_attend, "compute attention over tensors in a safetensors file"},
    {"verify", cmd_verify, "check every kernel of this machine against a reference"},
    {"bench", cmd_bench, "time attention with the map and without"},
};
#define N_COMMANDS (sizeof(COMMANDS) / sizeof(COMMANDS[0]))

static void print_help(FILE *stream)
{
    fputs("Usage: tileskip COMMAND [OPTION]…\n"
          "Masked attention that computes only what the mask lets through.\n\n"
          "Commands:\n",
          stream);
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(stream, "  %-8s  %s\n", COMMANDS[i].name, COMMANDS[i].what);
    fputs("\nOptions:\n"
          "  --help     show this\n"
          "  --version  show the version\n\n"
          "'tileskip COMMAND --help' shows a command's options and an example.\n\n"
          "Example:\n"
          "  tileskip map --q-len 2455 --k-len 2455 --rules causal,window=1024\n",
          stream);
}

static int refuse_command(const char *name)
{
    fprintf(stderr,
            "tileskip: unknown command '%s', expected devices, map, attend, verify or bench", name);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (cli_is_near(name, COMMANDS[i].name))
            fprintf(stderr, "; the nearest is '%s'", COMMANDS[i].name);
    }
    fputs("\nSee 'tileskip --help'.\n", stderr);
    return CLI_USAGE;
}

/* A standard stream that the caller closed must not become the next file that is opened. On what is
 * opened here instead, writing to standard output fails as it would have on the closed one. */
static void keep_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
            exit(CLI_FAILED);
    }
}

int main(int argc, char **argv)
{
    keep_standard_streams();
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a failed write */
    setlocale(LC_CTYPE, "");
    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("tileskip %s\n", tskip_version());
        return cli_finish();
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return cli_finish();
    }
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(argv[1], COMMANDS[i].name) == 0)
            return COMMANDS[i].run(argc - 1, argv + 1);
    }
    return refuse_command(argv[1]);
}
