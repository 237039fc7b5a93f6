# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""The device that these tests run on: what TILESKIP_TEST_DEVICE names, e.g. cuda, else the CPU."""

import os

DEVICE = os.environ.get("TILESKIP_TEST_DEVICE", "cpu")
ON_CPU = DEVICE == "cpu"
