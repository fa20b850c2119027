"""Networks and recordings whose every state is compared with golden's trace."""

from dataclasses import dataclass

import numpy as np

from golden.core_config import CoreConfig
from golden.network import AvgPool, Conv, Dense, Network
from golden.settings import Settings
from tests.golden import cases

SIZES = {
    "weight_rows": 512, "neuron_words": 128, "error_words": 128, "spike_words": 512,
    "mask_words": 512, "frame_words": 128, "class_groups": 2, "map_bits": 4, "group_bits": 3,
}  # fmt: skip

CONFIGS = {
    "P4": CoreConfig(lanes=4, pack_max=1, **SIZES),
    "P8": CoreConfig(lanes=8, pack_max=2, **SIZES),
}


@dataclass(frozen=True)
class TraceCase:
    """A network with settings; `intervals` are (steps, start, learn, update)."""

    network: Network
    settings: Settings
    intervals: tuple[tuple[int, bool, bool, bool], ...]
    seed: int
    density: float = 0.35

    def material(self, formats):
        """Return weights, and (frames, label) of each interval."""
        rng = np.random.default_rng(self.seed)
        weights = cases.random_weights(rng, self.network, formats, 1.3)
        return weights, [
            (
                cases.random_frames(rng, self.network, steps, self.density),
                int(rng.integers(self.network.classes)),
            )
            for steps, *_ in self.intervals
        ]


# T = 5 with k = 3 twice, V kept without an update in between; then a recording without learning
SCHEDULE = (
    (3, True, True, True), (2, False, True, False),
    (3, True, True, True), (2, False, True, True),
    (2, True, False, False),
)  # fmt: skip

CASES = {
    "conv-pool-dense": TraceCase(
        Network((6, 7, 2), (Conv(3, 3, 1), AvgPool(2), Dense(10)), 4, 2),
        Settings(interval=3, error_fraction=12, rate_shift=1, momentum_shift=2, seed=11),
        SCHEDULE,
        seed=1,
    ),
    "three-blocks": TraceCase(
        Network((7, 7, 1), (Conv(6, 3, 1, 2), Conv(5, 2), AvgPool(2), Dense(9)), 5, 1),
        Settings(
            interval=3, error_fraction=13, rate_shift=0, layer_shifts=(2, 1, 1, 0, 0, 0),
            momentum_shift=3, seed=12,
        ),
        SCHEDULE,
        seed=2,
    ),
    "image-dropout": TraceCase(
        Network((6, 7, 1), (Conv(5, 3, 1), AvgPool(2), Dense(9), Dense(8)), 4, (2, 1),
                encoding="direct"),
        Settings(interval=3, error_fraction=12, rate_shift=1, momentum_shift=2, seed=13,
                 dropout=0.25, dropout_correction=True, loss="cross-entropy"),
        SCHEDULE,
        seed=3,
    ),
}  # fmt: skip
