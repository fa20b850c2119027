"""Data sets by name: recordings of an event camera as binary frames, or images; channel-last.

>>> from host import datasets
>>> data = datasets.load("digits", train_limit=100)
>>> data.train[0].frames.shape
(20, 16, 16, 2)
"""

from __future__ import annotations

import difflib
from pathlib import Path

import numpy as np

from host.datasets import (
    cifar10,
    cifar10dvs,
    digits,
    dvsgesture,
    emnist,
    gestures,
    mnist,
    ncaltech101,
    nmnist,
    tinyesimagenet,
)
from host.datasets.content import ImageRequest, Request, Source
from host.datasets.data_set import CACHE_BYTES, DataSet, DataSetError, Sample, Split, balanced_rows
from host.datasets.event_camera import EventCamera
from host.datasets.frames import Events, Framing, check_positive, default_downsample

__all__ = [
    "SOURCES",
    "DataSet",
    "DataSetError",
    "EventCamera",
    "Events",
    "Framing",
    "Sample",
    "Source",
    "Split",
    "balanced_rows",
    "load",
    "source",
]

SOURCES: dict[str, Source] = {
    module.SOURCE.name: module.SOURCE
    for module in (
        digits,
        gestures,
        nmnist,
        dvsgesture,
        mnist,
        emnist,
        cifar10,
        cifar10dvs,
        ncaltech101,
        tinyesimagenet,
    )
}
"""All data sets, the default one first."""


def source(name: str) -> Source:
    """Return a data set's description and defaults, without opening it.

    Raises
    ------
    ValueError
        If there is no such data set; the message lists those there are.
    """
    if name in SOURCES:
        return SOURCES[name]
    close = difflib.get_close_matches(str(name).lower().replace("-", ""), SOURCES, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"data set must be one of {', '.join(SOURCES)}, not {name!r}{hint}")


def load(
    name: str,
    *,
    data_dir: str | Path | None = None,
    windows: int | None = None,
    window_us: int | None = None,
    size: int | None = None,
    downsample: int | None = None,
    seed: int = 0,
    train_limit: int | None = None,
    test_limit: int | None = None,
    cache_bytes: int = CACHE_BYTES,
    **options: int,
) -> DataSet:
    """Open a data set.

    Recordings are read or generated when asked for and then kept as bits, so that only the first
    epoch pays for them.

    Parameters
    ----------
    name
        One of `SOURCES`.
    data_dir
        Folder of the recordings, or one that holds the data set's own folder. If None that of the
        environment variable ``TLBPTT_DATA``; if there is none, tonic downloads ``nmnist`` or
        ``dvsgesture``. Generated data sets have none.
    windows
        Number of frames T; a data set's own default if None, like the next two.
    window_us
        Window of time of a frame [us]; None for images, and for ``tinyesimagenet``, whose events
        carry the number of their frame.
    size
        Edge of the frames [pixels]. Generated data sets make a sensor of this size; others keep
        the centre ``size * downsample`` pixels of theirs. Images have one size.
    downsample
        Sensor pixels per frame pixel along an edge, joined by OR; the largest that fits if None
        (1 if generated); None for images.
    seed
        Seed of generated recordings and of the choice of subsets.
    train_limit, test_limit
        Use at most so many recordings, balanced over the classes; all if None.
    cache_bytes
        Bound of the bits kept for each split [bytes]; images are always kept.
    **options
        ``train_per_class`` and ``test_per_class`` of ``gestures``.

    Returns
    -------
    data
        The data set.

    Raises
    ------
    TypeError
        If a number is not an integer or an option is unknown.
    ValueError
        If the name is unknown or a number is out of range.
    DataSetError
        If recordings are missing or damaged (a ``ValueError`` too).
    """
    spec = source(name)
    known = dict(spec.options)
    for option in options:
        if option not in known:
            names = f"one of {', '.join(known)}" if known else "left out"
            raise TypeError(f"option of data set {name!r} must be {names}, not {option!r}")
    if data_dir is not None and not spec.from_folder:
        raise ValueError(f"data_dir must be None for the data set {name!r}, not {str(data_dir)!r}")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise TypeError(f"seed must be an integer, not {seed!r}")
    steps = spec.steps if windows is None else check_positive("windows", windows)
    folder = None if data_dir is None else Path(data_dir)
    request: Request | ImageRequest
    if spec.encoding == "direct":
        _refuse_for_images(spec, window_us, size, downsample)
        request = ImageRequest(steps, folder)
    else:
        framing = _framing(spec, steps, window_us, size, downsample)
        request = Request(framing, folder, int(seed), cache_bytes)
        window_us = None if spec.window_us is None else framing.window_us
    for field, limit in (("train_limit", train_limit), ("test_limit", test_limit)):
        if limit is not None:
            check_positive(field, limit)
    content = spec.open(request, **{**known, **options})
    return DataSet(
        name=name,
        class_names=content.class_names,
        shape=content.train.shape,
        steps=steps,
        window_us=window_us,
        train=Split(content.train).limited(train_limit, int(seed)),
        test=Split(content.test).limited(test_limit, int(seed)),
        encoding=spec.encoding,
    )


def _framing(
    spec: Source, steps: int, window_us: int | None, size: int | None, downsample: int | None
) -> Framing:
    """Return how events become frames, defaults filled in."""
    edge = spec.size if size is None else check_positive("size", size)
    if downsample is not None:
        check_positive("downsample", downsample)
    elif spec.sensor is None:
        downsample = 1
    else:
        downsample = default_downsample(spec.sensor, edge)
    if spec.window_us is None and window_us is not None:
        raise ValueError(
            f"window_us (--window-ms) must be left out for {spec.name!r}, not {window_us!r}: its "
            "events carry the number of their frame"
        )
    window = spec.window_us if window_us is None else window_us
    return Framing(
        sensor=edge * downsample if spec.sensor is None else spec.sensor,
        steps=steps,
        window_us=1 if window is None else window,  # the number of a frame is its time
        size=edge,
        downsample=downsample,
    )


def _refuse_for_images(
    spec: Source, window_us: int | None, size: int | None, downsample: int | None
) -> None:
    """Refuse options that only frames of events have."""
    for field, value, reason in (
        ("window_us (--window-ms)", window_us, "an image is the same at every step"),
        ("downsample (--downsample)", downsample, "images are used as they are"),
    ):
        if value is not None:
            raise ValueError(
                f"{field} must be left out for the images of {spec.name!r}, not {value!r}: {reason}"
            )
    if size is not None and check_positive("size", size) != spec.size:
        raise ValueError(
            f"size must be left out for the images of {spec.name!r} or {spec.size}, not {size!r}"
        )
