"""The float reference: ``python -m host.reference train --help``; also ``memory`` and ``speed``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from host.reference import options as run_options

if TYPE_CHECKING:
    from host.reference.options import ReferenceRun
    from host.reference.training import Outcome
    from host.run_folder import RunFolder

FAILED, STOPPED = 2, 130
"""Exit statuses."""

EXAMPLES = """\
examples:
  python -m host.reference train --dataset mnist --network lenet1 --k 10 --n 4
      MNIST's images through LeNet-1, blocks of all layers, k = T: back-propagation through time
  python -m host.reference train --dataset nmnist --network lenet1 --k 10 --n 1
      N-MNIST in intervals of 10 steps, a local classifier per layer
  python -m host.reference train --resume runs/mnist-1 --epochs 20
      go on with a run that was stopped, or for more epochs
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser."""
    made = argparse.ArgumentParser(prog="python -m host.reference", description=__doc__)
    commands = made.add_subparsers(dest="command", required=True)
    command = commands.add_parser(
        "train", help="train a network in float", epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    run_options.add_options(command)
    command.set_defaults(function=_train)
    return made


def _train(options: argparse.Namespace) -> int:
    import torch

    from host.presets import describe
    from host.reference.allocator import keep_freed_memory
    from host.reference.folder import ReferenceFolder
    from host.reference.training import ReferenceTraining
    from host.training import InterruptedRunError

    if options.threads is not None:
        torch.set_num_threads(options.threads)
    keep_freed_memory()
    run = run_options.resolve(options)
    print(run.data.summary())
    print(
        f"network {run.network.name}: {describe(run.network)}, {run.network.weights:,} weights, "
        f"n = {run.network.block_length}, k = {run.plan.interval}"
    )
    folder = run.folder
    training = ReferenceTraining(
        run.network, run.data, run.plan, folder, on=options.device or "auto",
        workers=options.workers or 0,
    )  # fmt: skip
    if folder is None:
        path = Path(options.run_dir) if options.run_dir else None
        folder = ReferenceFolder.create(path, f"reference-{run.data.name}")
        training.folder = folder
    folder.write_config(run.to_dict())
    print(f"device: {training.device}; run folder: {folder.path}")
    try:
        outcome = training.run()
    except InterruptedRunError:
        print(f"stopped; go on with --resume {folder.path}")
        return STOPPED
    _draw(run, folder, outcome)
    print(f"test accuracy {outcome.accuracy:.2%}; state, metrics and pictures are in {folder.path}")
    return 0


def _draw(run: ReferenceRun, folder: RunFolder, outcome: Outcome) -> None:
    from host import plots
    from host.presets import describe

    title = f"{run.data.name}, float, k = {run.plan.interval}\n{describe(run.network)}"
    plots.learning_curve(folder.curve, folder.records(), run.network.classes, title)
    name = f"{run.data.name}: {outcome.accuracy:.2%} of {outcome.confusion.sum()} right"
    plots.confusion_matrix(folder.confusion, outcome.confusion, run.data.class_names, name)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    options = parser().parse_args(arguments)
    try:
        import torch  # noqa: F401 - said here once, not as a traceback
    except ModuleNotFoundError:
        print(
            "host.reference: torch is not installed: pip install -e '.[reference]' (docs/"
            "reference.md says which build)",
            file=sys.stderr,
        )
        return FAILED
    from golden.reference.trainer import DivergedError

    try:
        status: int = options.function(options)
    except (DivergedError, OSError, TypeError, ValueError) as error:
        print(f"host.reference: error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("host.reference: stopped", file=sys.stderr)
        return STOPPED
    return status


if __name__ == "__main__":
    raise SystemExit(main())
