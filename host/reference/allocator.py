"""Keeps freed memory for the next tensor; glibc gives it to the system and pages it in anew.

Measured with LeNet-1 at batch 64 on a CPU: 1.1 to 1.2 times as many samples per second.
"""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Parameters of glibc's ``mallopt`` (its malloc.h)."""


def keep_freed_memory() -> bool:
    """Tell the allocator to keep freed memory; return whether it is one that can be told."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # another C library
        return False
    return bool(mallopt(M_MMAP_MAX, 0)) and bool(mallopt(M_TRIM_THRESHOLD, 2**31 - 1))
