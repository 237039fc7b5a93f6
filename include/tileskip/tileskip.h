/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TILESKIP_TILESKIP_H
#define TILESKIP_TILESKIP_H

/* All of tileskip's interface. */

#include "attention.h"
#include "base.h"
#include "compute.h"

#endif
