"""``emnist``: handwritten digits and letters as grey images, the balanced split of EMNIST.

Cohen et al. 2017, doi 10.1109/IJCNN.2017.7966217. The folder holds the four original idx files,
plain or gzip: ``emnist-balanced-train-images-idx3-ubyte``, ``emnist-balanced-train-labels-...``,
and the same with ``test``. The files hold images column by column; here they are upright.

47 classes: digits, capitals, and those lower-case letters that do not look like their capital.
"""

from __future__ import annotations

import string

from host.datasets.content import Source
from host.datasets.idx_folder import IdxFolder

FILES = IdxFolder(
    name="emnist",
    inner=("emnist", "EMNIST/raw", "EMNIST", "gzip"),
    starts=("emnist-balanced-train", "emnist-balanced-test"),
    totals=(112_800, 18_800),
    # In the order of emnist-balanced-mapping.txt.
    class_names=tuple(string.digits + string.ascii_uppercase + "abdefghnqrt"),
    size=28,
    transposed=True,
)

SOURCE = Source(
    name="emnist",
    title="EMNIST balanced, handwritten digits and letters as images, the four idx files",
    steps=20,
    window_us=None,
    size=FILES.size,
    sensor=FILES.size,
    open=FILES.open,
    from_folder=True,
    encoding="direct",
)
