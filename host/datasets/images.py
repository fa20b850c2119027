"""Images for direct encoding: 8-bit pixels in memory, the same image at every step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from host.datasets.data_set import DataSetError
from host.datasets.idx import read_idx


class ImageStore:
    """All images of a split.

    Parameters
    ----------
    images
        Pixels 0 ... 255, uint8 of shape (number, H, W, C). Kept, not copied.
    labels
        Class of each image.
    steps
        Steps T at which each image is seen.
    kind
        Start of the images' names, such as ``train``.
    total
        Number of images of the split as published.

    Raises
    ------
    ValueError
        Pixels have another type or shape, or there are more or fewer labels than images.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        labels: NDArray[np.integer],
        steps: int,
        kind: str,
        *,
        total: int | None = None,
    ) -> None:
        if images.dtype != np.uint8 or images.ndim != 4:
            raise ValueError(
                f"images must be uint8 of shape (number, H, W, C), not {images.dtype} of shape "
                f"{images.shape!r}"
            )
        if len(labels) != len(images):
            raise ValueError(f"labels must have {len(images)} elements, not {len(labels)}")
        self.steps = steps
        self.names = tuple(f"{kind} {index}" for index in range(len(images)))
        self.labels: NDArray[np.int64] = labels.astype(np.int64)
        self.labels.flags.writeable = False
        self.total = len(images) if total is None else max(total, len(images))
        self._images = images

    def __len__(self) -> int:
        """Return the number of images found."""
        return len(self._images)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of an image (H, W, C)."""
        height, width, channels = self._images.shape[1:]
        return height, width, channels

    def frames(self, index: int) -> NDArray[np.uint8]:
        """Return the image at every step, shape (T, H, W, C): a read-only view, without a copy."""
        image = self._images[index]
        return np.broadcast_to(image, (self.steps, *image.shape))


def read_pairs(
    images: Path, labels: Path, classes: int, size: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return grey images, shape (number, H, W, 1), and labels of two files that belong together.

    Parameters
    ----------
    images, labels
        The files.
    classes
        Number of classes.
    size
        Edge that the images must have [pixels].

    Raises
    ------
    DataSetError
        A file is damaged, or they do not belong together; the message names file and byte.
    """
    pixels, classified = read_idx(images, 3), read_idx(labels, 1)
    if pixels.shape[1:] != (size, size):
        height, width = pixels.shape[1:]
        raise DataSetError(
            f"{images}: corrupt at byte 8: images must have {size}x{size} pixels, "
            f"not {height}x{width}"
        )
    if len(classified) != len(pixels):
        raise DataSetError(
            f"{labels}: corrupt at byte 4: {images.name} has {len(pixels)} images, "
            f"this file {len(classified)} labels"
        )
    if not len(pixels):
        raise DataSetError(f"{images}: corrupt at byte 4: the file holds 0 images")
    wrong = np.flatnonzero(classified >= classes)
    if len(wrong):
        first = wrong[0]
        raise DataSetError(
            f"{labels}: corrupt at byte {8 + first}: label {classified[first]} must be "
            f"0 to {classes - 1}"
        )
    return pixels[..., np.newaxis], classified
