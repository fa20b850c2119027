"""Keeps freed memory for the next tensor: on the C library's defaults a CPU run pages it in anew.

glibc gives every block above 32 MiB, and often smaller ones, back to the system when it is freed,
so that the same tensor costs a page fault per 4 KiB in each batch; LeNet-1 trains about twice as
fast without (`python -m host.reference speed`).
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
