"""Worker processes that each use one core."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.pool import Pool
from typing import Any

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""BLAS libraries read one of these when they are loaded."""


def pool(
    workers: int,
    initializer: Callable[..., object] | None = None,
    arguments: tuple[Any, ...] = (),
) -> Pool:
    """Return a pool of fresh processes whose BLAS runs on one thread.

    Each calls the initializer with the arguments, if there is one, before anything else.

    Raises
    ------
    ValueError
        `workers` is below 1.
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1, not {workers}")
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    return multiprocessing.get_context("spawn").Pool(workers, initializer, arguments)
