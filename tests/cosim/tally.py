"""What generated networks cover: properties of a case, and a table of how often each was met.

A new option of the generator is a line in `OPTIONS`, what a run can do to numbers one in `EVENTS`.
"""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

from golden.counters import SATURATIONS
from golden.layout import place
from tests.cosim.boards import CONFIGS


def runs(case):
    return [run for sample in case.samples for run in sample]


def shifts(case, formats):
    """Return the right shifts q of all updates."""
    return [
        case.settings.update_shift(layer, formats, run.halvings)
        for run in runs(case)
        for layer in case.network.weighted
        if run.update and case.settings.learns(layer)
    ]


def hidden(case):
    """Return how many layers with weights each block has below its classifier."""
    return [sum(layer.has_weights for layer in block.layers) for block in case.network.blocks]


def convolutions(case):
    return [layer for layer in case.network.resolved if layer.kind == "conv"]


def pools(case):
    return [layer for layer in case.network.resolved if layer.kind == "pool"]


def groups(case, config):
    placed = place(case.network, config, case.settings.interval).layers
    return [(layer.layer.kind, layer.map.groups, layer.map.pack) for layer in placed]


OPTIONS = {
    # the network
    "several layers in a block": lambda c, _: max(hidden(c)) > 1,
    "all of several layers in one block": lambda c, _: len(hidden(c)) == 1 and hidden(c)[0] > 1,
    "several blocks": lambda c, _: len(hidden(c)) > 1,
    "random classifiers": lambda c, _: c.network.classifier == "random",
    "direct encoding": lambda c, _: c.network.encoding == "direct",
    "direct encoding of a dense layer": lambda c, _: (
        c.network.resolved[0].direct and c.network.resolved[0].kind == "dense"
    ),
    "stride 2": lambda c, _: any(layer.stride == 2 for layer in convolutions(c)),
    "stride 4": lambda c, _: any(layer.stride == 4 for layer in convolutions(c)),
    "stride above the kernel": lambda c, _: any(x.stride > x.kernel for x in convolutions(c)),
    "padding": lambda c, _: any(layer.padding for layer in convolutions(c)),
    "kernel wider than its map": lambda c, _: any(
        x.kernel > min(x.in_shape[:2]) for x in convolutions(c)
    ),
    "pool 2": lambda c, _: any(layer.window == 2 for layer in pools(c)),
    "pool 4": lambda c, _: any(layer.window == 4 for layer in pools(c)),
    "pool drops an odd edge": lambda c, _: any(
        side % layer.window for layer in pools(c) for side in layer.in_shape[:2]
    ),
    "channels in several words": lambda c, config: any(
        kind == "conv" and number > 1 for kind, number, _ in groups(c, config)
    ),
    "several positions in a word": lambda c, config: any(pack for _, _, pack in groups(c, config)),
    "dense layer of several words": lambda c, config: any(
        kind == "dense" and number > 1 for kind, number, _ in groups(c, config)
    ),
    "classes in several words": lambda c, config: groups(c, config)[-1][1] > 1,
    "leak 0": lambda c, _: c.network.resolved[0].lif.tau == 0,
    "no leak": lambda c, _: c.network.resolved[0].lif.tau == 1,
    # the settings
    "interval of 1 step": lambda c, _: c.settings.interval == 1,
    "frozen layers": lambda c, _: bool(c.settings.frozen),
    "dropout": lambda c, _: c.settings.dropout > 0,
    "dropout corrected at inference": lambda c, _: any(
        c.settings.corrects(layer, c.network) for layer in c.network.resolved
    ),
    "cross-entropy": lambda c, _: c.settings.loss == "cross-entropy",
    "momentum off": lambda c, _: c.settings.momentum_shift == 0,
    "momentum on": lambda c, _: c.settings.momentum_shift > 0,
    "decay to zero": lambda c, _: c.settings.decay_to_zero and c.settings.momentum_shift > 0,
    "rate per layer": lambda c, _: len(set(c.settings.layer_shifts)) > 1,
    "update shifts right": lambda c, config: any(q > 0 for q in shifts(c, config.formats)),
    "update shifts left": lambda c, config: any(q < 0 for q in shifts(c, config.formats)),
    # the recordings
    "several intervals in a sample": lambda c, _: any(len(s) > 1 for s in c.samples),
    "k does not divide T": lambda c, _: any(
        len(s) > 1 and s[-1].steps < s[0].steps for s in c.samples
    ),
    "inference": lambda c, _: any(not run.learn for run in runs(c)),
    "learning after inference": lambda c, _: any(
        after.learn and not before.learn for before, after in pairwise(runs(c))
    ),
    "update every m intervals": lambda c, _: any(r.learn and not r.update for r in runs(c)),
    "rate halved": lambda c, _: any(run.halvings for run in runs(c)),
    "rate changes between samples": lambda c, _: len({s[0].halvings for s in c.samples}) > 1,
    "sample goes on with old states": lambda c, _: any(not s[0].start for s in c.samples),
    "V starts full": lambda c, _: c.full_momentum,
    "recording without a spike": lambda c, _: any(run.density == 0 for run in runs(c)),
}
"""What the generator can ask for: ``(case, config) -> bool``."""

EVENTS = {
    **{
        f"{kind} saturates": lambda _, counters, kind=kind: counters.saturations[kind] > 0
        for kind in SATURATIONS
    },
    "V wraps": lambda model, _: model.gradient_overflow,
}
"""What happened in golden and so on the board: ``(model, counters) -> bool``."""


def digest(value):
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]


def line(name, case, model, counters):
    """Return what a case covered, as a record that JSON holds."""
    config = CONFIGS[name]
    met = [option for option, holds in OPTIONS.items() if holds(case, config)]
    met += [event for event, holds in EVENTS.items() if holds(model, counters)]
    return {
        "board": name,
        "network": digest(case.network),
        "case": digest(case),
        "layers": dict(Counter(layer.kind for layer in case.network.resolved)),
        "intervals": len(runs(case)),
        "met": met,
    }


def note(path, name, case, model, counters):
    """Append what a case covered to a file."""
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(line(name, case, model, counters)) + "\n")


@dataclass
class Tally:
    """Sum of what cases covered.

    Attributes
    ----------
    boards, layers, met : Counter
        Runs per board, layers per kind and runs per option.
    networks, cases : set of str
        Different networks, and different networks with settings and recordings, whatever the board.
    runs, intervals : int
        Cases run, and their intervals.
    """

    boards: Counter = field(default_factory=Counter)
    layers: Counter = field(default_factory=Counter)
    met: Counter = field(default_factory=Counter)
    networks: set = field(default_factory=set)
    cases: set = field(default_factory=set)
    runs: int = 0
    intervals: int = 0

    def add(self, record):
        """Add a record of `line`."""
        self.boards[record["board"]] += 1
        self.layers.update(record["layers"])
        self.met.update(record["met"])
        self.networks.add(record["network"])
        self.cases.add(record["case"])
        self.runs += 1
        self.intervals += record["intervals"]

    def read(self, path):
        """Add all records of a file that `note` wrote, if there is one."""
        if path.exists():
            for record in path.read_text(encoding="utf-8").splitlines():
                self.add(json.loads(record))

    def never(self):
        """Return the options and events that were not met."""
        return [name for name in (*OPTIONS, *EVENTS) if not self.met[name]]

    def table(self):
        """Return the lines of the closing table."""
        out = [
            f"{len(self.networks):,} different networks, {len(self.cases):,} with their settings "
            f"and recordings, in {self.runs:,} runs of {self.intervals:,} intervals",
            "runs per board: " + ", ".join(f"{k} {v:,}" for k, v in self.boards.items()),
            "layers by kind: " + ", ".join(f"{k} {v:,}" for k, v in self.layers.most_common()),
            "",
            f"{'covered':<38}{'runs':>8}{'share':>8}",
        ]
        for name in (*OPTIONS, *EVENTS):
            share = f"{self.met[name] / max(1, self.runs):>8.1%}" if self.met[name] else "   NEVER"
            out.append(f"{name:<38}{self.met[name]:>8,}{share}")
        return out
