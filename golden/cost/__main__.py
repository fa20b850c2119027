"""Cost of training a network: ``python -m golden.cost --network lenet1 --k 10 --n 1``.

Exit status 1 if ``--paper`` finds a printed ratio that ours is off by more than one point.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from golden.cost import tables
from golden.cost.accelerator import Densities, NotOnAcceleratorError
from golden.cost.comparison import VALUE_BITS, Comparison, compare
from golden.cost.paper import (
    ALPHA,
    BATCH,
    Cost,
    backpropagation,
    figure_of_merit,
    paper_cost,
    relative,
)  # fmt: skip
from golden.cost.printed import check_all
from golden.cost.workloads import WORKLOADS
from golden.network import CLASSIFIERS, ENCODINGS, Network
from golden.paper_networks import LAYERS, paper_network

OFF, REFUSED = 1, 2
"""Exit statuses: a printed ratio is missed; an option or file is wrong."""


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(
        prog="python -m golden.cost",
        description="Memory access, additions, MACs and memory of training, as the paper counts "
        "them and on the accelerator.",
    )
    made.add_argument(
        "--paper", action="store_true",
        help="hold the paper's printed ratios against ours and print its whole grid; the options "
        "below but --json do not matter",
    )  # fmt: skip
    made.add_argument(
        "--network", default="lenet1", metavar="NAME|FILE",
        help=f"{', '.join(LAYERS)}, or a network file (JSON); default lenet1",
    )  # fmt: skip
    made.add_argument(
        "--input-shape", type=int, nargs=3, metavar=("H", "W", "C"), help="default the network's"
    )
    made.add_argument("--classes", type=int, help="default the network's")
    made.add_argument("--encoding", choices=ENCODINGS, help="default the network's")
    made.add_argument("--k", type=int, nargs="+", help="truncation intervals [steps]; default T")
    made.add_argument("--n", type=int, nargs="+", help="block lengths; default the network's")
    made.add_argument("--classifier", choices=CLASSIFIERS, help="default the network's")
    made.add_argument("--steps", type=int, default=30, help="T (default 30)")
    made.add_argument(
        "--batch", type=int, default=BATCH,
        help=f"of the paper's accounting (default {BATCH}); the comparison has batch 1",
    )  # fmt: skip
    made.add_argument(
        "--alpha", type=float, default=ALPHA, help=f"density in the paper's (default {ALPHA})"
    )
    made.add_argument(
        "--accuracy-loss", type=float, default=0.0, metavar="AL",
        help="of the figure of merit: accuracy of plain BP at k = T minus this one's, 0 to 1",
    )  # fmt: skip
    made.add_argument(
        "--value-bits", type=int, default=VALUE_BITS,
        help=f"of a value in the paper's scheme (default {VALUE_BITS})",
    )  # fmt: skip
    made.add_argument("--lanes", type=int, default=16, help="P of the accelerator (default 16)")
    for name, what in (
        ("inputs", "bits set in a frame"), ("spikes", "neurons that spike"),
        ("masks", "surrogate masks set"), ("errors", "gammas that are not 0"),
    ):  # fmt: skip
        made.add_argument(
            f"--{name}", type=float, metavar="SHARE",
            help=f"{what}, 0 to 1; default as measured, layer by layer",
        )  # fmt: skip
    made.add_argument("--json", metavar="FILE", help="write everything there too; - for the screen")
    return made


def read_network(options: argparse.Namespace) -> Network:
    """Return the network that the options describe.

    Raises
    ------
    OSError, ValueError
        The file cannot be read or does not hold a network.
    """
    if options.network in LAYERS:
        network = paper_network(options.network)
    else:
        try:
            network = Network.from_dict(json.loads(Path(options.network).read_text()))
        except FileNotFoundError as error:
            raise ValueError(
                f"network must be one of {', '.join(LAYERS)} or a file, not {options.network!r}"
            ) from error
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{options.network} is not JSON: {error}") from error
    changes = {
        "input_shape": options.input_shape and tuple(options.input_shape),
        "classes": options.classes,
        "encoding": options.encoding,
        "classifier": options.classifier,
    }
    return replace(network, **{name: new for name, new in changes.items() if new is not None})


def cost_data(cost: Cost, base: Cost, accuracy_loss: float = 0.0) -> dict[str, Any]:
    """Return a cost as plain data."""
    return {
        **asdict(cost),
        "reads": cost.reads,
        "writes": cost.writes,
        "memory_access": cost.memory_access,
        "additions": cost.additions,
        "relative": relative(cost, base),
        "figure_of_merit": figure_of_merit(cost, base, accuracy_loss),
    }


def comparison_data(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as plain data."""
    ours = comparison.accelerator
    totals = ("memory_bits", "schedule_bits", "port_bits", "total_cycles")
    return {
        "rows": [{**asdict(row), "gain": row.gain} for row in comparison.rows],
        "accelerator": {**asdict(ours), **{name: getattr(ours, name) for name in totals}},
    }


def of_network(options: argparse.Namespace) -> tuple[list[str], dict[str, Any], int]:
    """Return lines, plain data and exit status for one network."""
    network, steps = read_network(options), options.steps
    densities = Densities(options.spikes, options.masks, options.errors, options.inputs)
    common = {"batch": options.batch, "alpha": options.alpha}
    base = paper_cost(backpropagation(network), steps, steps, **common)
    lines = [
        f"network {network.name}: input {network.input_shape}, {network.classes} classes, "
        f"T = {steps}, batch {options.batch}, alpha {options.alpha:g}",
        "per step of a batch, [values]; % against plain BP at k = T with a classifier of that kind",
        "",
    ]
    rows, cells, compared = [], [], []
    for n in options.n or [network.block_length]:
        chosen = replace(network, block_length=n)
        for k in options.k or [steps]:
            cost = paper_cost(chosen, k, steps, **common)
            rows.append(
                tables.cost_row(k, str(n), network.classifier, cost, base, options.accuracy_loss)
            )
            cell = {"k": k, "n": n, "classifier": network.classifier}
            cells.append(cell | {"paper": cost_data(cost, base, options.accuracy_loss)})
            title = f"(k, n) = ({k}, {n}), one sample, {options.value_bits}-bit values:"
            compared += ["", title, ""]
            try:
                both = compare(
                    chosen, k, steps, value_bits=options.value_bits, alpha=options.alpha,
                    lanes=options.lanes, densities=densities,
                )  # fmt: skip
            except NotOnAcceleratorError as error:
                cells[-1]["refused"] = str(error)
                compared.append(str(error))
                continue
            cells[-1] |= comparison_data(both)
            compared += [tables.comparison_table(both), "", *tables.parts_lines(both)]
    lines += [tables.table(tables.COST_HEADER, rows), *compared]
    data = {"network": network.to_dict(), "steps": steps, **common, "cells": cells}
    return lines, data, 0


def of_paper() -> tuple[list[str], dict[str, Any], int]:
    """Return lines, plain data and exit status for the paper's figures."""
    results = check_all()
    off = sum(not result.agrees for result in results)
    lines = [tables.check_table(results), ""]
    lines.append(f"{off} of the paper's ratios missed" if off else "all ratios agree")
    grids = []
    for work in WORKLOADS.values():
        base = paper_cost(work.base, work.steps, work.steps)
        lines += [
            "",
            f"{work.data}: {work.network} on {'×'.join(map(str, work.input_shape))}, "
            f"{work.classes} classes, T = {work.steps}, batch {BATCH}; per step of a batch, "
            "% against plain BP at k = T",
            "",
        ]
        rows = []
        for k, n, classifier in work.cells:
            cost = paper_cost(work.build(n, classifier), k, work.steps)
            rows.append(tables.cost_row(k, str(n), classifier, cost, base))
            cell = {"data": work.data, "k": k, "n": n, "classifier": classifier}
            grids.append(cell | {"paper": cost_data(cost, base)})
        k, n = work.chosen
        both = compare(work.build(n), k, work.steps)
        lines += [tables.table(tables.COST_HEADER, rows), ""]
        lines += [f"the paper's choice (k, n) = ({k}, {n}), one sample, 32-bit values:", ""]
        lines += [tables.comparison_table(both), "", *tables.parts_lines(both)]
    checks = [
        {
            "text": result.line.text, "paper": result.line.paper, "ours": result.ours,
            "agrees": None if result.ours is None else result.agrees,
        }
        for result in results
    ]  # fmt: skip
    return lines, {"checks": checks, "cells": grids}, OFF if off else 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    options = parser().parse_args(arguments)
    try:
        lines, data, status = of_paper() if options.paper else of_network(options)
        if options.json == "-":
            lines = [json.dumps(data, indent=1)]
        elif options.json:
            Path(options.json).write_text(json.dumps(data, indent=1) + "\n")
    except (OSError, TypeError, ValueError) as error:
        print(f"golden.cost: {error}", file=sys.stderr)
        return REFUSED
    print("\n".join(lines))
    return status


if __name__ == "__main__":
    raise SystemExit(main())
