"""The float reference: ``python -m host.reference train --help``; also ``memory`` and ``speed``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from golden.cost.workloads import WORKLOADS

if TYPE_CHECKING:
    from golden.network import Network
    from host.reference.folder import ReferenceFolder
    from host.reference.options import ReferenceRun
    from host.reference.training import Outcome, ReferenceTraining
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
    from host.reference import options as run_options

    made = argparse.ArgumentParser(prog="python -m host.reference", description=__doc__)
    commands = made.add_subparsers(dest="command", required=True)
    command = commands.add_parser(
        "train", help="train a network in float", epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    run_options.add_options(command)
    command.set_defaults(function=_train)
    command = commands.add_parser("memory", help="bytes kept for the backward pass over k and n")
    add = command.add_argument
    add(
        "workloads", metavar="DATA", nargs="*",
        help=f"of the paper: {', '.join(WORKLOADS)} (default: EMNIST CIFAR10-DVS)",
    )  # fmt: skip
    add("--network", metavar="NET", help="another network: a name or a JSON file, with --steps")
    add("--steps", metavar="T", type=int, help="frames of a recording, for --network")
    add("--k", metavar="K,K,…", type=_numbers, help="default: the paper's, or T, T/10 and 1")
    add("--n", metavar="N,N,…", type=_numbers, help="default: the paper's, or all, 2 and 1")
    add("--batch", metavar="B", type=int, default=32, help="recordings per batch (default: 32)")
    add("--device", metavar="D", default="meta", help="meta (default), cpu, cuda, …")
    add("--picture", metavar="FILE", type=Path, help="PNG of bytes over k")
    add("--csv", metavar="FILE", type=Path, help="for python -m host.cost_figures --measured")
    command.set_defaults(function=_memory)
    command = commands.add_parser("speed", help="samples/s beside snnTorch and SpikingJelly")
    add = command.add_argument
    add("--steps", metavar="T", type=int, default=10, help="frames of a recording (default: 10)")
    add("--batch", metavar="B,B,…", type=_numbers, default=(1, 32), help="default: 1,32")
    add("--turns", metavar="N", type=int, default=5, help="measurements of each (default: 5)")
    add("--device", metavar="D", help="cpu, cuda, … (default: a GPU if there is one)")
    add("--threads", metavar="N", type=int, default=1, help="of torch on the CPU (default: 1)")
    command.set_defaults(function=_speed)
    return made


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


_numbers.__name__ = "list of numbers"


def _memory(options: argparse.Namespace) -> int:
    import torch

    from host.display import Display
    from host.presets import describe
    from host.reference import memory
    from host.reference.training import device

    if options.batch < 1:
        raise ValueError(f"batch must be at least 1, not {options.batch}")
    on = torch.device("meta") if options.device == "meta" else device(options.device)
    panels, rows, display = {}, [], Display()
    for name, network, steps, ks, ns in _memory_cases(options):
        with display.shown(len(ks) * len(ns)):
            lines = memory.measure(
                network, steps, ks, ns, options.batch, on, lambda text: display.advance(1, text)
            )
        print(f"{name}, T = {steps}, batch {options.batch}: {describe(network)}\n")
        print(memory.table(lines, options.batch) + "\n")
        panels[f"{name}: {network.name}, T = {steps}"] = (lines, options.batch)
        rows += [
            (network.name, name, line.k, line.n, "trainable", "", line.saved) for line in lines
        ]
    if options.csv:
        memory.write_csv(options.csv, rows)
    if options.picture:
        memory.draw(options.picture, panels)
        print(f"picture: {options.picture}")
    return 0


def _memory_cases(
    options: argparse.Namespace,
) -> Iterator[tuple[str, Network, int, tuple[int, ...], tuple[int, ...]]]:
    """Yield name, network, T, intervals and block lengths of what is to be measured."""
    from host import presets

    if options.network is not None:
        if options.steps is None or options.workloads:
            raise ValueError("--network needs --steps, and no DATA of the paper")
        network, steps = presets.any_network(options.network), options.steps
        hidden = sum(spec.hidden for spec in network.layers)
        ks = options.k or tuple(sorted({steps, max(1, steps // 10), 1}, reverse=True))
        ns = options.n or tuple(sorted({hidden, min(2, hidden), 1}, reverse=True))
        yield network.name, network, steps, ks, ns
        return
    for name in options.workloads or ("EMNIST", "CIFAR10-DVS"):
        if name not in WORKLOADS:
            raise ValueError(f"DATA must be one of {', '.join(WORKLOADS)}, not {name!r}")
        work = WORKLOADS[name]
        yield name, work.base, work.steps, options.k or work.ks, options.n or work.ns


def _speed(options: argparse.Namespace) -> int:
    import torch

    from host.display import Display
    from host.reference import peers, speed
    from host.reference.allocator import keep_freed_memory
    from host.reference.training import device

    torch.set_num_threads(options.threads)
    keep_freed_memory()
    on = device(options.device or "auto")
    for name, command in peers.MISSING.items():
        if not peers.available(name):
            print(f"{name} is not installed and is left out: {command}", file=sys.stderr)
    display = Display()
    with display.shown((options.turns + 1) * len(options.batch) * speed.PROGRAMS):
        lines = speed.measure(
            options.steps, options.batch, options.turns, on, lambda text: display.advance(1, text)
        )
    print(f"LeNet-1 on frames of 28x28x2, T = {options.steps}, {on}, {options.threads} thread(s)\n")
    print(speed.table(lines))
    return 0


def _train(options: argparse.Namespace) -> int:
    import torch

    from host.presets import describe
    from host.reference import options as run_options
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
    _write_codes(training, folder)
    print(f"test accuracy {outcome.accuracy:.2%}; state, metrics and pictures are in {folder.path}")
    return 0


def _write_codes(training: ReferenceTraining, folder: ReferenceFolder) -> None:
    from host.reference import codes

    try:
        lines = codes.write(folder, training.model, training.plan)
    except ValueError as error:
        print(f"not for the accelerator: {error}")
        return
    print("\n".join(lines))
    print(
        "to go on on the accelerator: host/train_on_board.py "
        f"--dataset {training.data.name} --network {folder.network} --weights {folder.path} "
        f"--k {training.plan.interval}"
    )


def _draw(run: ReferenceRun, folder: RunFolder, outcome: Outcome) -> None:
    from host import plots
    from host.presets import describe

    title = f"{run.data.name}, float, k = {run.plan.interval}\n{describe(run.network)}"
    plots.learning_curve(folder.curve, folder.records(), run.network.classes, title)
    name = f"{run.data.name}: {outcome.accuracy:.2%} of {outcome.confusion.sum()} right"
    plots.confusion_matrix(folder.confusion, outcome.confusion, run.data.class_names, name)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
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

    options = parser().parse_args(arguments)
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
