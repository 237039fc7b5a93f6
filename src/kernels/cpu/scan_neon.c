/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#define TSKIP__SCAN_SET tskip__scan_neon
#include "scan_tmpl.h"
