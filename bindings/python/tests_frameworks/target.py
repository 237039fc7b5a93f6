# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""What these tests run on: the device that TILESKIP_TEST_DEVICE names, e.g. cuda, else the CPU; and
the transformers that is installed."""

import inspect
import os
from typing import Any, Dict

DEVICE = os.environ.get("TILESKIP_TEST_DEVICE", "cpu")
ON_CPU = DEVICE == "cpu"


def cache_argument(model: Any, cache: Any) -> Dict[str, Any]:
    """A cache under the name that the model's version of transformers has for it."""
    known = inspect.signature(model.forward).parameters
    return {"cache" if "cache" in known else "past_key_values": cache}
