"""Training samples per second of the float reference beside snnTorch and SpikingJelly.

All in one process on the same frames, batches, device and allocator, in turns; the best turn of
each counts, which other work on the machine disturbs least. Ratios mean something, times do not.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import torch

from golden.neuron import Lif
from golden.paper_networks import paper_network
from golden.reference.initialise import initialise
from golden.reference.model import ReferenceModel
from golden.reference.trainer import Trainer
from host.reference import peers
from host.reference.peers import CHANNELS, CLASSES, Step

RATE = 1e-4
PROGRAMS = 5
"""Programs timed where both libraries are installed."""

DENSITY = 0.1
"""Share of ones in the generated frames."""


@dataclass(frozen=True)
class Line:
    """Speed of one program at one batch size.

    Attributes
    ----------
    name : str
    batch : int
    rate : float
        Training samples per second.
    """

    name: str
    batch: int
    rate: float


def reference_step(steps: int, k: int, n: int, device: torch.device) -> Step:
    """Return a training step of the reference with LeNet-1."""
    network = paper_network(
        "lenet1", input_shape=(28, 28, CHANNELS), classes=CLASSES, block_length=n
    )
    model = ReferenceModel(network).to(device)
    initialise(model, _frames(steps, 16, device)[0])
    learning = [p for p in model.parameters() if p.requires_grad]
    return Trainer(model, torch.optim.Adam(learning, lr=RATE), k).train_batch


def _frames(steps: int, batch: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(batch)
    ones = torch.rand((steps, batch, CHANNELS, 28, 28), generator=generator) < DENSITY
    labels = torch.randint(0, CLASSES, (batch,), generator=generator)
    return ones.to(torch.uint8).to(device), labels.to(device)


def programs(steps: int, device: torch.device) -> dict[str, Step]:
    """Return all training steps by name; a library that is not installed is left out."""
    made = {f"reference ({steps},4), BPTT": reference_step(steps, steps, 4, device)}
    with torch.device(device):
        if peers.available("snntorch"):
            made["snnTorch, BPTT"] = peers.snntorch_step(Lif(), RATE)
        if peers.available("spikingjelly"):
            made["SpikingJelly, BPTT"] = peers.spikingjelly_step(Lif(), RATE)
    for k in (10, 1):
        if k <= steps:
            made[f"reference ({k},1)"] = reference_step(steps, k, 1, device)
    return made


def measure(
    steps: int,
    batches: tuple[int, ...],
    turns: int,
    device: torch.device,
    report: Callable[[str], None] = lambda text: None,
) -> list[Line]:
    """Time every program at every batch size.

    Parameters
    ----------
    steps : int
        T.
    batches : tuple of int
        Batch sizes.
    turns : int
        Measurements of each; the best counts.
    device : torch.device
    report : callable
        Gets the name of what was measured.
    """
    made = programs(steps, device)
    best: dict[tuple[str, int], float] = {}
    data = {batch: _frames(steps, batch, device) for batch in batches}
    for turn, batch, (name, step) in product(range(turns + 1), batches, made.items()):
        calls = 1 if turn == 0 else max(2, 64 // batch)  # the first turn only warms up
        _wait(device)
        begin = time.perf_counter()
        for _ in range(calls):
            step(*data[batch])
        _wait(device)
        took = (time.perf_counter() - begin) / calls / batch
        if turn:
            best[name, batch] = min(took, best.get((name, batch), took))
        report(f"{name}, batch {batch}")
    return [Line(name, batch, 1 / took) for (name, batch), took in best.items()]


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def table(lines: list[Line]) -> str:
    """Return a Markdown table: samples per second, and as a multiple of the faster library."""
    batches = sorted({line.batch for line in lines})
    rates = {(line.name, line.batch): line.rate for line in lines}
    names = list(dict.fromkeys(line.name for line in lines))
    heads = "".join(f" batch {batch}: samples/s | over the faster library |" for batch in batches)
    rows = [f"| program |{heads}", "|---|" + "---|" * (2 * len(batches))]
    for name in names:
        cells = []
        for batch in batches:
            others = [
                rate for (n, b), rate in rates.items() if b == batch and not n.startswith("ref")
            ]
            ratio = f"{rates[name, batch] / max(others):.2f}" if others else "–"
            cells.append(f" {rates[name, batch]:.1f} | {ratio} |")
        rows.append(f"| {name} |" + "".join(cells))
    return "\n".join(rows)
