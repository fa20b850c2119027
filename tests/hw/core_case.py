"""A small network trained on a core in Amaranth's simulator and in golden, interval by interval."""

from dataclasses import dataclass, replace

import numpy as np

from golden.core_config import CoreConfig
from golden.counters import SATURATIONS, Counters
from golden.formats import Formats
from golden.network import AvgPool, Conv, Dense, Lif, Network
from golden.settings import Settings, intervals
from golden.trainer import GoldenModel
from host.protocol.packets import Space
from tests.golden import cases
from tests.hw.core_bench import CoreBench

NARROW = Formats(
    weight=9, weight_fraction=7, forward_shift=1, carry=9, state=16, gamma=8, delta=9, gradient=16
)
"""Formats in which everything saturates now and then."""


@dataclass(frozen=True)
class CoreCase:
    """What is trained: a network, and `recordings` of `steps` random frames each."""

    network: Network
    settings: Settings
    config: CoreConfig
    steps: int
    recordings: int
    density: float
    gain: float
    seed: int

    def material(self):
        """Return weights and (label, frames) of each recording."""
        rng = np.random.default_rng(self.seed)
        weights = cases.random_weights(rng, self.network, self.config.formats, self.gain)
        return weights, [
            (
                int(rng.integers(self.network.classes)),
                cases.random_frames(rng, self.network, self.steps, self.density),
            )
            for _ in range(self.recordings)
        ]

    def golden(self, weights, counters=None):
        """Return a golden model and a function that trains it on one interval."""
        model = GoldenModel(self.network, self.config.formats, self.settings, weights, strict=False)

        def run(frames, label, start, learn=True):
            return model.run_interval(frames, label, start=start, learn=learn, counters=counters)

        return model, run

    def saturations(self):
        """Return golden's saturations."""
        weights, recordings = self.material()
        counters = Counters()
        _, run = self.golden(weights, counters)
        for label, frames in recordings:
            for first, length in intervals(self.steps, self.settings.interval):
                run(frames[first : first + length], label, first == 0)
        return counters.saturations


def difference(case):
    """Train core and golden; return the first difference with where it is, "" if there is none."""
    weights, recordings = case.material()
    counters = Counters()
    model, golden = case.golden(weights, counters)
    bench = CoreBench(case.network, case.config, case.settings)
    found = []

    async def body(bench):
        await bench.load(weights)
        number = 0
        # the last recording is run once more without learning
        runs = [*((*recording, True) for recording in recordings), (*recordings[-1], False)]
        for label, frames, learn in runs:
            for first, length in intervals(case.steps, case.settings.interval):
                part = frames[first : first + length]
                expected = golden(part, label, first == 0, learn)
                try:
                    counts, _ = await bench.run_interval(
                        number, part, label, start=first == 0, learn=learn, trained_intervals=number
                    )
                except AssertionError as error:
                    found.append(str(error))
                    return
                await _compare(bench, model, counters, found)
                if counts != list(expected):
                    found.append(f"class counts: got {counts}, expected {expected}")
                if found:
                    found[0] = f"interval {number}: {found[0]}"
                    return
                number += 1

    bench.run(body)
    return found[0] if found else ""


async def _compare(bench, model, counters, found):
    network = model.network
    for kind, layers, got, expected in (
        ("W", network.weighted, await bench.read_weights(Space.WEIGHTS), model.weights),
        ("V", network.weighted, await bench.read_weights(Space.MOMENTUM), model.momentum),
        ("carry", network.resolved, await bench.read_state(), model.carry),
    ):
        for layer, one, other in zip(layers, got, expected, strict=True):
            wrong = np.argwhere(one != other)
            if len(wrong):
                first = tuple(int(i) for i in wrong[0])
                found.append(
                    f"{kind} of {layer.name} differs at {len(wrong)} of {one.size} places, first "
                    f"at {first}: got {one[first]}, expected {other[first]}"
                )
    for kind in SATURATIONS:
        got = bench.ctx.get(getattr(bench.dut, f"saturated_{kind}"))
        if got != counters.saturations[kind]:
            found.append(f"saturations of {kind}: got {got}, expected {counters.saturations[kind]}")


SIZES = {
    "weight_rows": 256, "neuron_words": 64, "error_words": 64, "spike_words": 128,
    "mask_words": 256, "frame_words": 128, "class_groups": 2, "map_bits": 3, "group_bits": 3,
}  # fmt: skip

CASES = {
    # one block with conv, pool and dense layer; the last interval is shorter; all kinds saturate
    "block": CoreCase(
        Network((5, 5, 2), (Conv(2, 3, 1), AvgPool(2), Dense(6)), 3, 2),
        Settings(
            interval=2, error_fraction=10, rate_shift=-2, layer_shifts=(0, 0, 1),
            momentum_shift=1, seed=99,
        ),
        CoreConfig(lanes=4, pack_max=1, formats=NARROW, **SIZES),
        steps=3, recordings=2, density=0.5, gain=1.5, seed=1,
    ),
    # gradient of few bits: most gamma is 0, so that passes are skipped
    "silent": CoreCase(
        Network((4, 4, 1), (Conv(3, 3, stride=2, padding=1), Dense(5)), 3, 2),
        Settings(
            interval=3, error_fraction=4, rate_shift=-2, momentum_shift=0, seed=5,
            loss="cross-entropy", temperature_shift=1,
        ),
        CoreConfig(lanes=4, pack_max=1, formats=NARROW, **SIZES),
        steps=3, recordings=3, density=0.3, gain=1.5, seed=3,
    ),
    # an image, dropout, and constants of their own at inference
    "image": CoreCase(
        Network(
            (5, 5, 2), (Conv(2, 3, 1), AvgPool(2), Dense(6), Dense(9)), 3, 2, encoding="direct"
        ),
        Settings(
            interval=3, error_fraction=11, rate_shift=-1, momentum_shift=1, seed=7, dropout=0.3,
            dropout_correction=True, decay_to_zero=True,
        ),
        CoreConfig(lanes=4, pack_max=1, formats=NARROW, **SIZES),
        steps=4, recordings=2, density=0.5, gain=1.5, seed=5,
    ),
    # large weights, errors and wide masks: e of BACKWARD saturates
    "loud": CoreCase(
        Network((1, 1, 6), (Dense(6), Dense(7)), 8, 2, Lif(u_th=1.0, a=2.0)),
        Settings(interval=2, error_fraction=12, rate_shift=-3, momentum_shift=2, seed=4),
        CoreConfig(lanes=4, pack_max=1, formats=NARROW, **SIZES),
        steps=3, recordings=2, density=0.5, gain=3, seed=3,
    ),
}  # fmt: skip

CASES["dropping"] = replace(CASES["block"], settings=replace(CASES["block"].settings, dropout=0.5))
