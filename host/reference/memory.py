"""Peak bytes that the reference keeps for its backward pass over k and n, beside Eqs (9) and (10).

Kept bytes are counted by saved-tensor hooks, all tensors by watching every operation
(`golden.reference.memory`). On torch's device ``meta`` tensors have sizes but no values, so that
the largest network takes seconds and no memory; on a GPU `torch.cuda.max_memory_allocated` stands
beside them.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from golden.cost import backpropagation
from golden.cost.paper import memory as predicted_memory
from golden.network import Network
from golden.reference.memory import LiveBytes, SavedBytes
from golden.reference.model import ReferenceModel
from golden.settings import intervals
from host.cost_figures.figures import BY_N
from host.cost_figures.measured import COLUMNS
from host.plots import GREY, picture


@dataclass(frozen=True)
class Line:
    """Memory of training at one (k, n).

    Attributes
    ----------
    k, n : int
    saved : int
        Peak bytes kept for the backward pass, of the whole batch.
    live : int
        Peak bytes of all tensors: weights, gradients, momentum, frames, what is kept, temporaries.
    predicted : float
        Values held by Eqs (9) and (10), weights included (`golden.cost.memory`).
    allocated : int
        Peak bytes that CUDA had given out; 0 elsewhere.
    """

    k: int
    n: int
    saved: int
    live: int
    predicted: float
    allocated: int = 0


def measure(
    network: Network,
    steps: int,
    ks: Sequence[int],
    ns: Sequence[int],
    batch: int,
    device: torch.device,
    report: Callable[[str], None] = lambda text: None,
) -> list[Line]:
    """Measure every (k, n), first (T, all), which is plain back-propagation through time.

    Parameters
    ----------
    network : Network
        Its own block length is not used.
    steps : int
        T.
    ks, ns : sequence of int
        Truncation intervals and block lengths.
    batch : int
        Recordings per batch.
    device : torch.device
    report : callable
        Gets what was measured.

    Raises
    ------
    ValueError
        A k or n is impossible.
    """
    whole = backpropagation(network)
    assert isinstance(whole.block_length, int)
    cells = {(steps, whole.block_length): whole}
    for n in ns:
        cells |= {(k, n): replace(network, block_length=n) for k in ks}
    for k in ks:
        intervals(steps, k)
    lines = []
    for (k, n), cell in cells.items():
        lines.append(_measure(cell, k, n, batch, device))
        report(f"k = {k}, n = {n}")
    return lines


def _measure(network: Network, k: int, n: int, batch: int, device: torch.device) -> Line:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
    with LiveBytes() as live, torch.device(device):
        model = ReferenceModel(network)
        height, width, channels = network.input_shape
        length = 1 if network.encoding == "direct" else k
        frames = torch.zeros(length, batch, channels, height, width, dtype=torch.uint8)
        labels = torch.zeros(batch, dtype=torch.int64)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        for _ in range(2):  # the first makes gradients and momentum
            with SavedBytes(model.parameters()) as kept:
                model.train_interval(frames, labels, k)
            optimizer.step()
            model.zero_grad(set_to_none=False)
    allocated = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
    predicted = predicted_memory(network, k, batch)
    return Line(k, n, kept.peak, live.peak, predicted, allocated)


def table(lines: Sequence[Line], batch: int) -> str:
    """Return a Markdown table; changes are against the first line."""
    base = lines[0]

    def change(value: float, of: float) -> str:
        return f"{100 * (value / of - 1):+.1f} %"

    cuda = base.allocated > 0
    rows = [
        "| k | n | kept per recording [bytes] | against BPTT | all tensors [MB] | against BPTT "
        "| Eqs (9), (10) |" + (" CUDA [MB] | against BPTT |" if cuda else ""),
        "|---|---|---|---|---|---|---|" + ("---|---|" if cuda else ""),
    ]
    for line in lines:
        row = (
            f"| {line.k} | {line.n} | {line.saved / batch:,.0f} | {change(line.saved, base.saved)} "
            f"| {line.live / 1e6:,.1f} | {change(line.live, base.live)} "
            f"| {change(line.predicted, base.predicted)} |"
        )
        if cuda:
            row += f" {line.allocated / 1e6:,.1f} | {change(line.allocated, base.allocated)} |"
        rows.append(row)
    return "\n".join(rows)


def write_csv(path: Path, rows: Sequence[Sequence[object]]) -> None:
    """Write measurements as `host.cost_figures.measured` reads them."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])


def draw(path: Path, panels: Mapping[str, tuple[Sequence[Line], int]]) -> None:
    """Draw kept bytes over k, a panel per network and a line per n.

    Parameters
    ----------
    path : Path
        PNG to write.
    panels : dict
        Lines and batch size by title.
    """
    with picture(path, (3.6 * len(panels) + 0.6, 3.4)) as figure:
        for axes, (title, (lines, batch)) in zip(
            figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
        ):
            axes.grid(True, which="major")
            ns = sorted({line.n for line in lines}, reverse=True)
            for n in ns:
                points = sorted((line.k, line.saved / batch / 1e3) for line in lines if line.n == n)
                axes.plot(
                    *zip(*points, strict=True), color=BY_N.get(n, GREY), marker="o", markersize=4,
                    label=f"n = {n}" + (" (all)" if n == ns[0] else ""),
                )  # fmt: skip
            axes.set(
                xscale="log", yscale="log", xlabel="truncation interval k [steps]", title=title,
                ylabel="kept per recording [kB]",
            )  # fmt: skip
            ticks = sorted({line.k for line in lines})
            axes.set_xticks(ticks, map(str, ticks))
            axes.minorticks_off()
            axes.legend()
