# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
"""The double-precision reference is that of the NumPy tests. PyTorch makes its tensors on the device
under test."""

import importlib.util
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from target import DEVICE, ON_CPU

if not ON_CPU and importlib.util.find_spec("torch"):
    import torch

    torch.set_default_device(DEVICE)
