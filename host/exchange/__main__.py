"""Networks and weights from and to NIR files: ``python -m host.exchange --help``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from golden.network import Shape
from host import checkpoint, datasets
from host.checkpoint import Checkpoint, write_whole
from host.exchange import exporter, files
from host.exchange.files import ExchangeError
from host.exchange.importer import Imported, Wishes, from_nir
from host.exchange.losses import difference, losses, table
from host.exchange.neurons import DT, LEAKS, RESETS, Steps
from host.exchange.stages import Row
from host.presets import describe

FAILED, STOPPED = 2, 130
"""Exit statuses."""

EXAMPLES = """\
examples:
  python -m host.exchange show model.nir --reset soft
  python -m host.exchange import model.nir --out mine --reset soft --dataset digits
  python host/train_on_board.py --network mine/network.json --weights mine/weights.npz
  python -m host.exchange export runs/digits-1 trained.nir

exit status: 0 done, 2 an error (said in one line)
"""


def _shape(text: str) -> Shape:
    height, width, channels = (int(part) for part in text.split(","))
    return (height, width, channels)


_shape.__name__ = "list of three numbers"


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(
        prog="python -m host.exchange",
        description="Networks and weights from and to NIR files (docs/exchange.md).",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = made.add_subparsers(dest="command", required=True)
    taken = commands.add_parser("import", help="make network and first weights of a NIR file")
    shown = commands.add_parser("show", help="list a NIR file's nodes and what becomes of them")
    for command in (taken, shown):
        _mapping_options(command)
    taken.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="a new folder")
    taken.add_argument("--dataset", metavar="NAME", help="compare spikes on its test recordings")
    taken.add_argument("--data-dir", metavar="DIR", help="folder of recordings")
    taken.add_argument(
        "--recordings", type=int, default=20, metavar="N", help="how many (default 20)"
    )
    taken.set_defaults(function=_import)
    shown.set_defaults(function=_show)
    given = commands.add_parser("export", help="write a trained network as a NIR file")
    given.add_argument("run", type=Path, metavar="RUN", help="run folder or weights.npz")
    given.add_argument("model", type=Path, metavar="FILE", help="the new NIR file")
    given.add_argument(
        "--local-classifiers", action="store_true",
        help="also those below the last block, as branches with outputs of their own",
    )  # fmt: skip
    given.set_defaults(function=_export)
    return made


def _mapping_options(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("model", type=Path, metavar="FILE", help="a NIR file")
    resets = "; ".join(f"{name}: {text}" for name, text in RESETS.items())
    add("--reset", choices=RESETS, help=f"what NIR's reset stands for: {resets}")
    add(
        "--pool-neurons", action="store_true",
        help="add neurons behind pools that have none, which changes what the network does",
    )  # fmt: skip
    add("--dt", type=float, default=DT, help=f"time of a step (default {DT:g}, snnTorch's)")
    add("--leak", choices=LEAKS, default="euler", help="how a step leaks (default euler)")
    add("--threshold", type=float, metavar="U", help="threshold and reset of all layers")
    add("--n", type=int, help="block length; its local classifiers are drawn anew (default: all)")
    add("--encoding", choices=("events", "direct"), default="events", help="kind of input")
    add("--input-shape", type=_shape, metavar="H,W,C", help="of an input that has only one axis")
    add("--name", help="of the network (default: the file's)")
    add("--seed", type=int, default=1, help="draws what is drawn (default 1)")


def _mapped(options: argparse.Namespace, rows: list[Row]) -> Imported:
    graph = files.read(options.model)
    wishes = Wishes(
        Steps(options.dt, options.leak, options.reset), options.pool_neurons, options.threshold,
        options.n, options.encoding, options.input_shape, options.name or options.model.stem,
        options.seed,
    )  # fmt: skip
    return from_nir(graph, wishes, rows)


def _import(options: argparse.Namespace) -> None:
    folder: Path = options.out
    if folder.exists():
        raise ExchangeError(f"{folder} exists already: choose another --out")
    if options.recordings < 1:
        raise ExchangeError(f"--recordings must be at least 1, not {options.recordings}")
    made = _mapped(options, [])
    found = losses(made.network, made.formats, made.weights, made.codes)
    lines = [
        f"{options.model}: {describe(made.network)}, {made.network.weights:,} weights, "
        f"n = {made.network.block_length}",
        *(f"- {note}" for note in made.notes),
        *table(found, made.network, made.formats),
    ]
    if options.dataset is not None:
        data = datasets.load(
            options.dataset, data_dir=options.data_dir, test_limit=options.recordings
        )
        recordings = [sample.frames for sample in data.test]
        spikes = difference(
            made.network, made.formats, made.settings, made.weights, made.codes, recordings
        )
        lines += spikes.table()
    folder.mkdir(parents=True)
    text = json.dumps(made.network.to_dict(), indent=2) + "\n"
    write_whole(folder / "network.json", lambda file: file.write(text.encode()))
    momentum = [code * 0 for code in made.codes]
    state = Checkpoint(made.network, made.formats, made.settings, made.codes, momentum)
    checkpoint.save(folder / "weights.npz", state)
    report = "\n".join(lines) + "\n"
    write_whole(folder / "report.txt", lambda file: file.write(report.encode()))
    print(report, end="")
    print(f"network.json, weights.npz and report.txt are in {folder}")


def _show(options: argparse.Namespace) -> None:
    rows: list[Row] = []
    try:
        made = _mapped(options, rows)
    finally:
        heads = Row("node", "kind", "values", "becomes")
        widths = [
            max(len(getattr(row, field)) for row in [heads, *rows])
            for field in ("name", "kind", "values")
        ]
        for row in [heads, *rows] if rows else []:
            cells = zip((row.name, row.kind, row.values), widths, strict=True)
            print("  ".join([*(f"{cell:<{width}}" for cell, width in cells), row.use]).rstrip())
    print(f"network: {describe(made.network)}, n = {made.network.block_length}")
    for note in made.notes:
        print(f"- {note}")


def _export(options: argparse.Namespace) -> None:
    path: Path = options.run
    if path.is_dir():
        path = path / "weights.npz"
    state = checkpoint.load(path)
    chosen = {"local_classifiers": options.local_classifiers}
    files.write(options.model, exporter.to_nir_graph(state, **chosen))
    print(f"{options.model}: {describe(state.network)}, {state.network.weights:,} weights")
    for note in exporter.notes(state, **chosen):
        print(f"- {note}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    options = parser().parse_args(arguments)
    try:
        options.function(options)
    except (OSError, OverflowError, TypeError, ValueError) as error:
        print(f"host.exchange: error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("host.exchange: stopped", file=sys.stderr)
        return STOPPED
    return 0


if __name__ == "__main__":
    sys.exit(main())
