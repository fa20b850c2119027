"""Recordings of a data set as batches of torch tensors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from host.datasets import DataSet, Split

Batch = tuple[torch.Tensor, torch.Tensor]
"""Frames (T, B, C, H, W), or (1, B, C, H, W) of images, uint8; classes (B,), int64."""


class _Recordings(Dataset[tuple[torch.Tensor, int]]):
    """A split as torch's loader wants it; an image once, not at every step."""

    def __init__(self, split: Split, image: bool) -> None:
        self._split, self._image = split, image

    def __len__(self) -> int:
        return len(self._split)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        sample = self._split[index]
        frames = sample.frames[:1] if self._image else sample.frames
        return torch.from_numpy(np.array(frames)), sample.label


def _stack(samples: list[tuple[torch.Tensor, int]]) -> Batch:
    frames = torch.stack([frames for frames, _ in samples], 1)
    return frames.permute(0, 1, 4, 2, 3).contiguous(), torch.tensor([y for _, y in samples])


class Batches:
    """Batches of a split.

    Parameters
    ----------
    data : DataSet
        Says whether samples are images.
    split : Split
        Recordings.
    size : int
        Recordings per batch B; the last batch may have fewer.
    workers : int
        Processes that read ahead; 0 reads in this one.
    device : torch.device
        Where batches go.
    """

    def __init__(
        self, data: DataSet, split: Split, size: int, workers: int, device: torch.device
    ) -> None:
        self._recordings = _Recordings(split, data.encoding == "direct")
        self._size, self._workers, self._device = size, workers, device

    def __len__(self) -> int:
        """Return the number of recordings."""
        return len(self._recordings)

    def run(self, order: NDArray[np.int64] | None = None) -> Iterator[Batch]:
        """Yield batches of the recordings in this order; in their own if None."""
        loader = DataLoader(
            self._recordings,
            batch_size=self._size,
            sampler=range(len(self)) if order is None else order.tolist(),
            num_workers=self._workers,
            collate_fn=_stack,
            pin_memory=self._device.type == "cuda",
            generator=torch.Generator(),  # its draws must not shift those of dropout
        )
        for frames, labels in loader:
            yield (
                frames.to(self._device, non_blocking=True),
                labels.to(self._device, non_blocking=True),
            )
