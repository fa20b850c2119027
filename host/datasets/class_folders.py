"""Recordings that lie in a folder for each class: list them, and split them where nobody has."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from host.datasets.content import Request
from host.datasets.data_set import DataSetError, Store
from host.datasets.frames import Events

TEST_EVERY = 10
"""Of a data set without a split, recordings whose number is a multiple of this one are for test."""


@dataclass(frozen=True, eq=False)
class Files:
    """Files of recordings and their classes, in a fixed order.

    Parameters
    ----------
    paths
        The files.
    labels
        Class of each file.
    """

    paths: tuple[Path, ...]
    labels: tuple[int, ...]

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self.paths)

    def store(
        self,
        root: Path,
        request: Request,
        read: Callable[[Path], Events],
        total: int | None = None,
    ) -> Store:
        """Return recordings that are read one by one when asked for.

        Parameters
        ----------
        root
            Folder that the names of recordings are relative to.
        request
            Frames and bound of the cache.
        read
            Reads a file; the first window begins at time 0.
        total
            Size of the split as published.
        """

        def render(index: int) -> dict[int, NDArray[np.uint8]]:
            return {index: request.framing.frames(read(self.paths[index]))}

        names = [path.relative_to(root).as_posix() for path in self.paths]
        return Store(
            request.framing,
            names,
            self.labels,
            render,
            total=total,
            cache_bytes=request.cache_bytes,
        )


def list_files(
    folder: Path,
    class_names: Sequence[str],
    ending: str,
    check_size: Callable[[Path, int], None] | None = None,
) -> Files:
    """Return the files in the folders of the classes, by class and then by name.

    A class may be missing. A shorter name comes first, so that 9 comes before 10.

    Parameters
    ----------
    folder
        Holds a folder for each class.
    class_names
        Names of these folders, in the order of their labels.
    ending
        How the names of recordings end, such as ``.bin``.
    check_size
        Called with path and size [bytes] of each file, to refuse it.
    """
    paths: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(class_names):
        where = folder / name
        if not where.is_dir():
            continue
        with os.scandir(where) as entries:
            found = [
                (len(entry.name), entry.name, entry.stat().st_size if check_size else 0)
                for entry in entries
                if entry.name.endswith(ending) and entry.is_file()
            ]
        for _, file, size in sorted(found):
            path = where / file
            if check_size is not None:
                check_size(path, size)
            paths.append(path)
            labels.append(label)
    return Files(tuple(paths), tuple(labels))


def recording_number(path: Path) -> int:
    """Return the number at the end of a file's name, such as 12 of ``cifar10_cat_12.aedat``.

    Raises
    ------
    DataSetError
        If there is none.
    """
    digits = re.search(r"\d+$", path.stem)
    if digits is None:
        raise DataSetError(
            f"{path}: name must end in the recording's number and {path.suffix}, which decides "
            f"between training and test, not {path.name!r}"
        )
    return int(digits.group())


def split_by_number(name: str, folder: Path, files: Files) -> tuple[Files, Files]:
    """Return the files for training and for test: every tenth of a class, by its number.

    A recording's side depends on its own name alone, so that it is the same whichever part of the
    recordings is at hand.

    Parameters
    ----------
    name
        Name of the data set, for messages.
    folder
        Where the files were looked for, for messages.
    files
        All recordings.

    Raises
    ------
    DataSetError
        If a name holds no number, or one of the sides is empty.
    """
    test = np.array([recording_number(path) % TEST_EVERY == 0 for path in files.paths], dtype=bool)
    for side, present, what in (("test", test.any(), "a"), ("training", (~test).any(), "no")):
        if not present:
            raise DataSetError(
                f"{name}: no recording for {side} in {folder}: expected files whose number is "
                f"{what} multiple of {TEST_EVERY}"
            )

    def pick(side: NDArray[np.bool_]) -> Files:
        rows = np.flatnonzero(side)
        return Files(
            tuple(files.paths[row] for row in rows), tuple(files.labels[row] for row in rows)
        )

    return pick(~test), pick(test)
