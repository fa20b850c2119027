"""Writers of the file formats, so that the readers are tested against the layouts themselves."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest


def nmnist_bytes(events):
    """Five bytes an event: x, y, polarity << 23 | time, big-endian; events are (x, y, p, t)."""
    return b"".join(
        bytes([x, y]) + ((int(p) << 23) | int(t)).to_bytes(3, "big") for x, y, p, t in events
    )


def polarity_packet(events, *, capacity=None, overflow=0, valid=None, kind=1, size=8, offset=4):
    """A packet of AEDAT 3.1; an event is (x, y, p, t) or (x, y, p, t, valid)."""
    words = b""
    marks = 0
    for x, y, p, t, *mark in events:
        ok = mark[0] if mark else 1
        marks += ok
        words += struct.pack("<II", x << 17 | y << 2 | p << 1 | ok, t)
    capacity = len(events) if capacity is None else capacity
    words += bytes(8 * (capacity - len(events)))
    valid = marks if valid is None else valid
    header = struct.pack("<HHIIIIII", kind, 1, size, offset, overflow, capacity, len(events), valid)
    return header + words


AEDAT_HEADER = (
    b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n"
    b"#Start-Time: 2016-06-01 12:00:00 (TZ+0200)\r\n#!END-HEADER\r\n"
)


def random_events(seed, count, sensor, duration_us):
    """Sorted random events as a list of (x, y, p, t)."""
    rng = np.random.default_rng(seed)
    times = np.sort(rng.integers(0, duration_us, count))
    xs, ys = rng.integers(0, sensor, (2, count))
    ps = rng.integers(0, 2, count)
    return [tuple(int(v) for v in row) for row in zip(xs, ys, ps, times, strict=True)]


def naive_frames(events, steps, window, size, downsample, sensor, origin=0):
    """The definition of frames, one event at a time."""
    frames = np.zeros((steps, size, size, 2), dtype=np.uint8)
    margin = (sensor - size * downsample) // 2
    for x, y, p, t in events:
        step = (t - origin) // window
        row, column = (y - margin) // downsample, (x - margin) // downsample
        if 0 <= step < steps and 0 <= row < size and 0 <= column < size:
            frames[step, row, column, p] = 1
    return frames


def idx_bytes(array):
    """An idx file of unsigned bytes: 0, 0, type 8, dimensions; big-endian sizes; elements."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def random_images(seed, count, size=28):
    """Images with pixels of any value, and labels that hold every digit equally often."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (count, size, size), dtype=np.uint8)
    return pixels, rng.permutation(count) % 10


class Formats:
    """The helpers of this file, handed to tests by the fixture ``formats``."""

    nmnist_bytes = staticmethod(nmnist_bytes)
    polarity_packet = staticmethod(polarity_packet)
    random_events = staticmethod(random_events)
    naive_frames = staticmethod(naive_frames)
    aedat_header = AEDAT_HEADER
    idx_bytes = staticmethod(idx_bytes)
    random_images = staticmethod(random_images)

    @staticmethod
    def mnist(root: Path, *, train=30, test=20, packed=False):
        """Write the four files of MNIST with so many images."""
        root.mkdir(parents=True)
        for split, seed, count in (("train", 1, train), ("t10k", 0, test)):
            pixels, labels = random_images(seed, count)
            for part, array in (("images-idx3-ubyte", pixels), ("labels-idx1-ubyte", labels)):
                content = idx_bytes(array)
                path = root / f"{split}-{part}{'.gz' if packed else ''}"
                path.write_bytes(gzip.compress(content) if packed else content)
        return root

    @staticmethod
    def nmnist(root: Path, *, train=2, test=1):
        """Write an NMNIST folder with `train` and `test` recordings of each digit."""
        for split, count in (("Train", train), ("Test", test)):
            for digit in range(10):
                folder = root / split / str(digit)
                folder.mkdir(parents=True)
                for number in range(count):
                    seed = [split == "Train", digit, number]
                    events = random_events(seed, 60, 34, 300_000)
                    (folder / f"{number + 1:05d}.bin").write_bytes(nmnist_bytes(events))
        return root


@pytest.fixture(scope="session")
def formats():
    return Formats


@pytest.fixture
def no_environment(monkeypatch, tmp_path):
    """No data folder in the environment, and an empty cache folder for downloads."""
    monkeypatch.delenv("TLBPTT_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tlbptt"


@pytest.fixture
def real_data(data_dir):
    """Folder that holds NMNIST, from the environment; skips where there is none."""
    if not ((data_dir / "NMNIST" / "Train").is_dir() or (data_dir / "Train").is_dir()):
        pytest.skip(f"TLBPTT_DATA names {data_dir}, which holds no NMNIST")
    return data_dir
