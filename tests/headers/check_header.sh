#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
#
# check_header.sh COMPILER HEADER INCLUDE_FOLDER
set -eu
for language in "c c11" "c++ c++17"; do
    set -- "$1" "$2" "$3" $language
    echo "$5: #include <$2>"
    printf '#include <%s>\n#include <%s>\n' "$2" "$2" |
        "$1" -x "$4" -std="$5" -I"$3" -Wall -Wextra -Wpedantic -Werror -fsyntax-only -
done
