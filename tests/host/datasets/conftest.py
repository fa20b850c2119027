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


def random_images(seed, count, size=28, classes=10):
    """Images with pixels of any value, and labels that hold every class equally often."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (count, size, size), dtype=np.uint8)
    return pixels, rng.permutation(count) % classes


def aedat2_bytes(events):
    """AEDAT 2.0 of CIFAR10-DVS: an upright picture as it leaves the camera, (x, y, p, t) each."""
    header = b"#!AER-DAT2.0\r\n# This is a raw AE data file - do not edit\r\n"
    words = ((127 - x << 8 | 127 - y << 1 | 1 - p, t) for x, y, p, t in events)
    return header + b"".join(struct.pack(">II", *word) for word in words)


def random_batch(number, count=4):
    """Planes of red, green and blue, and labels of a batch of CIFAR-10."""
    rng = np.random.default_rng([10, number])
    planes = rng.integers(0, 256, (count, 3072), dtype=np.uint8)
    return planes, [int(label) for label in rng.integers(0, 10, count)]


def python2_pickle(value):
    """Opcodes of protocol 2 as Python 2 wrote them: byte strings where Python 3 has text."""
    if isinstance(value, bool):
        return b"\x88" if value else b"\x89"
    if isinstance(value, int):
        return b"J" + struct.pack("<i", value)
    if isinstance(value, bytes):
        return b"T" + struct.pack("<i", len(value)) + value
    if isinstance(value, tuple):
        return b"(" + b"".join(map(python2_pickle, value)) + b"t"
    if isinstance(value, list):
        return b"](" + b"".join(map(python2_pickle, value)) + b"e"
    return b"N"


def python_batch(planes, labels, *, shape=None, kind=b"u1", fortran=False):
    """A batch of CIFAR-10's Python version, opcode by opcode."""
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n"
    array += python2_pickle((0,)) + python2_pickle(b"b") + b"tR"
    dtype = b"cnumpy\ndtype\n" + python2_pickle((kind, 0, 1)) + b"R"
    dtype += python2_pickle((3, b"|", None, None, None, -1, -1, 0)) + b"b"
    array += b"(" + python2_pickle(1) + python2_pickle(shape or planes.shape) + dtype
    array += python2_pickle(fortran) + python2_pickle(planes.tobytes("F" if fortran else "C"))
    array += b"tb"
    fields = python2_pickle(b"batch_label") + python2_pickle(b"training batch 1 of 5")
    fields += python2_pickle(b"labels") + python2_pickle(labels) + python2_pickle(b"data") + array
    return b"\x80\x02}(" + fields + b"u."


def caltech_events(label, number):
    """A recording of 240x180 pixels; times as random events have them."""
    events = random_events([label, number], 80, 240, 300_000)
    return [(x, y * 3 // 4, p, t) for x, y, p, t in events]


def imagenet_events(label, number):
    """Arrays neg and pos of ES-ImageNet: row, column, step 1 ... 8."""
    rng = np.random.default_rng([label, number])
    low, high = (17, 17, 1), (190, 240, 9)
    return [rng.integers(low, high, (count, 3)).astype(np.uint8) for count in (40, 50)]


class Formats:
    """The helpers of this file, handed to tests by the fixture ``formats``."""

    nmnist_bytes = staticmethod(nmnist_bytes)
    polarity_packet = staticmethod(polarity_packet)
    random_events = staticmethod(random_events)
    naive_frames = staticmethod(naive_frames)
    aedat_header = AEDAT_HEADER
    idx_bytes = staticmethod(idx_bytes)
    random_images = staticmethod(random_images)
    random_batch = staticmethod(random_batch)
    python_batch = staticmethod(python_batch)
    caltech_events = staticmethod(caltech_events)
    imagenet_events = staticmethod(imagenet_events)

    @staticmethod
    def mnist(root: Path, *, train=30, test=20, packed=False, starts=("train", "t10k"), classes=10):
        """Write the four files of MNIST, or its kin, with so many images."""
        root.mkdir(parents=True)
        for split, seed, count in ((starts[0], 1, train), (starts[1], 0, test)):
            pixels, labels = random_images(seed, count, classes=classes)
            for part, array in (("images-idx3-ubyte", pixels), ("labels-idx1-ubyte", labels)):
                content = idx_bytes(array)
                path = root / f"{split}-{part}{'.gz' if packed else ''}"
                path.write_bytes(gzip.compress(content) if packed else content)
        return root

    @staticmethod
    def emnist(root: Path, *, packed=False):
        """Write the four files of EMNIST's balanced split with two and one image of each class."""
        starts = ("emnist-balanced-train", "emnist-balanced-test")
        return Formats.mnist(root, train=94, test=47, packed=packed, starts=starts, classes=47)

    @staticmethod
    def cifar10(root: Path, *, version="python"):
        """Write the six batches of CIFAR-10 with four images each."""
        folder = root / {"python": "cifar-10-batches-py", "binary": "cifar-10-batches-bin"}[version]
        folder.mkdir(parents=True)
        for number in range(1, 7):
            name = "test_batch" if number == 6 else f"data_batch_{number}"
            planes, labels = random_batch(number)
            if version == "python":
                (folder / name).write_bytes(python_batch(planes, labels))
            else:
                table = np.column_stack([np.array(labels, np.uint8), planes])
                (folder / f"{name}.bin").write_bytes(table.tobytes())
        return folder

    @staticmethod
    def cifar10dvs(root: Path):
        """Write recordings 0, 9, 10 and 11 of each class of CIFAR10-DVS."""
        names = "airplane automobile bird cat deer dog frog horse ship truck"
        for label, name in enumerate(names.split()):
            (root / name).mkdir(parents=True)
            for number in (0, 9, 10, 11):
                events = random_events([label, number], 500, 128, 600_000)
                path = root / name / f"cifar10_{name}_{number}.aedat"
                path.write_bytes(aedat2_bytes(events))
        return root

    @staticmethod
    def ncaltech101(root: Path):
        """Write recordings 1, 10 and 11 of two classes of N-Caltech101."""
        for label, name in ((5, "airplanes"), (100, "yin_yang")):
            (root / name).mkdir(parents=True)
            for number in (1, 10, 11):
                content = nmnist_bytes(caltech_events(label, number))
                (root / name / f"image_{number:04d}.bin").write_bytes(content)
        return root

    @staticmethod
    def tinyesimagenet(root: Path, *, layout="folders"):
        """Write two training files and one for validation of three classes, 190x254 pixels."""
        listed = layout == "lists"
        for label in (2, 9, 10):
            files = [("train", f"class{label}/class{label}_{number}", number) for number in (1, 2)]
            name = f"ILSVRC2012_val_{label:08d}"
            files.append(("val", name if listed else f"class{label}/{name}", 3))
            for split, name, number in files:
                path = root / split / f"{name}.npz"
                path.parent.mkdir(parents=True, exist_ok=True)
                negative, positive = imagenet_events(label, number)
                np.savez_compressed(path, pos=positive, neg=negative)
                if listed:
                    with (root / f"{split}label.txt").open("a") as file:
                        file.write(f"{name}.npz {label} 190 254\n")
        return root

    @staticmethod
    def dvsgesture(root: Path):
        """Write tonic's layout of DvsGesture: columns x, y, polarity, time in ms."""
        for split, users in (("ibmGestureTrain", (1, 2)), ("ibmGestureTest", (24,))):
            for user in users:
                folder = root / split / f"user{user:02d}_led"
                folder.mkdir(parents=True)
                for label in (0, 8, 10):
                    table = np.array(random_events([user, label], 300, 128, 900), dtype=np.int64)
                    table[:, 3] += 40
                    np.save(folder / f"{label}.npy", table)
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
