"""``mnist``: handwritten digits as grey images, by direct encoding (LeCun, Cortes, Burges 1998).

The folder holds the four original idx files, plain or gzip: ``train-images-idx3-ubyte``,
``train-labels-idx1-ubyte``, ``t10k-images-idx3-ubyte``, ``t10k-labels-idx1-ubyte``. A file may hold
fewer images than the original.
"""

from __future__ import annotations

from host.datasets.content import Source
from host.datasets.idx_folder import IdxFolder

FILES = IdxFolder(
    name="mnist",
    inner=("mnist", "MNIST/raw"),
    starts=("train", "t10k"),
    totals=(60_000, 10_000),
    class_names=tuple(str(digit) for digit in range(10)),
    size=28,
)

SOURCE = Source(
    name="mnist",
    title="MNIST, handwritten digits as images, the four idx files",
    steps=10,
    window_us=None,
    size=FILES.size,
    sensor=FILES.size,
    open=FILES.open,
    from_folder=True,
    encoding="direct",
)
