"""What a data set's module tells the registry: its defaults, and how to open it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from host.datasets.data_set import CACHE_BYTES, Recordings
from host.datasets.frames import Framing


@dataclass(frozen=True, eq=False)
class Request:
    """What the user asked for, defaults filled in.

    Parameters
    ----------
    framing
        How events become frames.
    data_dir
        Folder of the recordings, or None.
    seed
        Seed of generated recordings.
    cache_bytes
        Bound of each split's cache [bytes].
    """

    framing: Framing
    data_dir: Path | None = None
    seed: int = 0
    cache_bytes: int = CACHE_BYTES


@dataclass(frozen=True, eq=False)
class ImageRequest:
    """What the user asked for of a data set of images, defaults filled in.

    Parameters
    ----------
    steps
        Steps T at which each image is seen.
    data_dir
        Folder of the files, or None.
    """

    steps: int
    data_dir: Path | None = None


@dataclass(frozen=True, eq=False)
class Content:
    """An opened data set before subsets are taken.

    Parameters
    ----------
    class_names
        A name for each class.
    train, test
        The recordings found.
    """

    class_names: tuple[str, ...]
    train: Recordings
    test: Recordings


@dataclass(frozen=True, eq=False)
class Source:
    """A data set that can be loaded by name.

    Parameters
    ----------
    name
        Name by which it is loaded.
    title
        What it is, in a line.
    steps, window_us, size
        Defaults: number of frames, window of a frame [us], edge of a frame [pixels]. Images have no
        window, and the one size they are stored in; nor have events that carry the number of
        their frame instead of a time.
    sensor
        Edge of the real sensor [pixels], or None where the sensor is made to the size asked for.
    open
        Opens it; gets a `Request`, or an `ImageRequest` for direct encoding, and the options named
        in ``options``.
    options
        Names and defaults of further options, all integers.
    from_folder
        Whether the recordings lie in a folder of files.
    encoding
        ``events``, or ``direct`` for images (`golden.network.ENCODINGS`).
    """

    name: str
    title: str
    steps: int
    window_us: int | None
    size: int
    sensor: int | None
    open: Callable[..., Content]
    options: tuple[tuple[str, int], ...] = ()
    from_folder: bool = False
    encoding: str = "events"
