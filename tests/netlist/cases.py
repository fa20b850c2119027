"""A small configuration, and networks that use most of what it can do."""

from golden.core_config import CoreConfig
from golden.network import AvgPool, Conv, Dense, Network
from golden.settings import Settings
from tests.cosim.cases import Case, Run
from tests.hw.core_case import NARROW, SIZES

CONFIG = CoreConfig(
    lanes=4, pack_max=1, formats=NARROW, layers=8, instructions=64, packet_bytes=256,
    **SIZES | {"weight_rows": 520},
)  # fmt: skip
"""Yosys maps it to every kind of cell that a large one has; the last rows of W and V are in look-up
tables (`hw.tiling.FEW_ROWS`)."""


def _run(steps, *, label=1, start=True, learn=True):
    return Run(steps, label, density=0.5, start=start, learn=learn, update=learn, halvings=0)


CASES = {
    # a block of convolution, pool and dense layer, trained classifiers, V anywhere in its range;
    # a sample of two intervals, the second a shorter one
    "trained": Case(
        Network((5, 5, 2), (Conv(2, 3, 1), AvgPool(2), Dense(6)), 3, 2),
        Settings(
            interval=2, error_fraction=10, rate_shift=-2, layer_shifts=(0, 0, 1),
            momentum_shift=1, seed=99,
        ),
        gain=1.5, seed=1, full_momentum=True, samples=((_run(2), _run(1, start=False)),),
    ),
    # an image, random classifiers, dropout, the other loss; then a sample that is only looked at
    "random": Case(
        Network((4, 4, 2), (Conv(3, 3, 1), Dense(5)), 3, 1, encoding="direct", classifier="random"),
        Settings(
            interval=3, error_fraction=11, rate_shift=-1, momentum_shift=1, seed=7, dropout=0.3,
            dropout_correction=True, decay_to_zero=True, loss="cross-entropy", temperature_shift=1,
        ),
        gain=1.5, seed=5, full_momentum=False, samples=((_run(3),), (_run(2, learn=False),)),
    ),
}  # fmt: skip
