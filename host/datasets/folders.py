"""Where recordings lie: the folder given, the one of the environment, or a download by tonic."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path

from host.datasets.data_set import DataSetError

ENVIRONMENT = "TLBPTT_DATA"
"""Environment variable with the folder that holds the data sets' folders."""

_WHERE = f"name a folder that holds it (data_dir, --data-dir or {ENVIRONMENT})"


def cache_folder() -> Path:
    """Return where downloads go: ``tlbptt`` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "tlbptt"


def find_folder(
    name: str,
    data_dir: Path | None,
    *,
    inner: tuple[str, ...],
    complete: Callable[[Path], bool],
    expected: str,
    tonic_class: str | None = None,
) -> Path:
    """Return the folder of a data set.

    Parameters
    ----------
    name
        Name of the data set.
    data_dir
        Folder of the data set or one that holds it; if None that of the environment variable; if
        there is none either, the data set is downloaded by tonic, if that has it.
    inner
        Names the data set's folder may have inside ``data_dir``.
    complete
        Whether a folder holds both splits.
    expected
        What ``complete`` looks for, in words.
    tonic_class
        Name of the class in ``tonic.datasets``; None where it has none.

    Raises
    ------
    DataSetError
        If the folder is missing or holds something else, or the download fails.
    """
    origin = ""
    if data_dir is None and os.environ.get(ENVIRONMENT):
        data_dir = Path(os.environ[ENVIRONMENT])
        origin = f" (from the environment variable {ENVIRONMENT})"
    if data_dir is None and tonic_class is None:
        raise DataSetError(
            f"{name}: no folder given: {_WHERE}, with {expected}, in it or in "
            f"{' or '.join(inner)} inside it"
        )
    if data_dir is None:
        assert tonic_class is not None
        return _download(name, inner, complete, tonic_class)
    data_dir = Path(data_dir).expanduser()
    advice = f"expected {expected}, in this folder or in {' or '.join(inner)} inside it"
    if not data_dir.exists():
        raise DataSetError(f"{name}: folder {data_dir}{origin} does not exist: {advice}")
    if not data_dir.is_dir():
        raise DataSetError(f"{name}: {data_dir}{origin} is not a folder: {advice}")
    for folder in (data_dir, *(data_dir / part for part in inner)):
        if complete(folder):
            return folder
    raise DataSetError(f"{name}: nothing to load in {data_dir}{origin}: {advice}")


def _download(
    name: str, inner: tuple[str, ...], complete: Callable[[Path], bool], tonic_class: str
) -> Path:
    root = cache_folder()
    for part in inner:
        if complete(root / part):
            return root / part
    try:
        datasets = importlib.import_module("tonic.datasets")
    except ImportError as error:
        raise DataSetError(
            f"{name}: no folder given and tonic, which downloads it, cannot be imported ({error}): "
            f"pip install -e '.[datasets]', or {_WHERE}"
        ) from error
    try:
        root.mkdir(parents=True, exist_ok=True)
        for train in (True, False):
            getattr(datasets, tonic_class)(save_to=str(root), train=train)
    except Exception as error:  # tonic raises what urllib, tarfile, zipfile and its own checks do
        raise DataSetError(
            f"{name}: download to {root} failed ({type(error).__name__}: {error}); is there a "
            f"network? Otherwise {_WHERE}"
        ) from error
    for part in inner:
        if complete(root / part):
            return root / part
    raise DataSetError(f"{name}: tonic left nothing to load in {root}; {_WHERE}")


def read_bytes(path: Path) -> bytes:
    """Return a file's content; a file that cannot be read or is empty is an error by name."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataSetError(f"{path}: cannot be read: {error.strerror or error}") from error
    if not content:
        raise DataSetError(f"{path}: the recording is empty (0 bytes)")
    return content
