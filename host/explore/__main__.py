"""Choice of (k, n): ``python -m host.explore run --help``, then ``report``."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from host.explore.results import Results

FAILED, STOPPED = 2, 130
"""Exit statuses."""

EXAMPLES = """\
examples:
  python -m host.explore run --study first --k 20,10,5,1 --n 2,1 --epochs 3
      handwritten digits: every k with every n, then a report in runs/explore-first
  python -m host.explore run --study mnist-lenet1 --dataset mnist --network lenet1 \\
      --k 10,5,1 --n 4,1 --classifier trainable,random --epochs 10 --workers 4
      the same command goes on with it after Ctrl-C
  python -m host.explore run --study wide --dataset nmnist --sampler tpe --trials 40 \\
      --k 30,10,5 --n 1 --width 0.25:1 --rate 1e-4:1e-2 --require-fit
      points drawn by Optuna, among those that fit the board
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser."""
    from host.explore import options

    made = argparse.ArgumentParser(prog="python -m host.explore", description=__doc__)
    commands = made.add_subparsers(dest="command", required=True)
    run = commands.add_parser(
        "run", help="train what is not trained yet, then write the report", epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    options.add_options(run)
    run.set_defaults(function=_run)
    told = commands.add_parser("report", help="tables, picture and network of a study")
    told.add_argument("target", nargs="?", metavar="NAME|FOLDER", help="study, or its folder")
    told.add_argument("--storage", metavar="URL", help="where the study is, if not in its folder")
    told.add_argument("--out", type=Path, metavar="DIR", help="default: the study's folder")
    told.add_argument(
        "--pick", default="accuracy", metavar="WHAT",
        help="what to go on with: accuracy (default), fom, or the number of a trial",
    )  # fmt: skip
    told.set_defaults(function=_report)
    return made


def _run(options: argparse.Namespace) -> int:
    from host.explore import options as run_options
    from host.explore import store, workers
    from host.explore.results import Results
    from host.presets import describe

    job, data = run_options.resolve(options)
    print(data.summary())
    print(f"network {job.network.name}: {describe(job.network)}")
    print(f"{job.total} points: {job.space.describe()}")
    failed = workers.carry_out(job, options.workers, options.retry_running)
    found = Results.of(store.load(job.folder, job.storage, job.name))
    if found.candidates:
        _write(found, job.folder, "accuracy")
    else:
        print("no point has an accuracy, so there is no report")
    if failed:
        for line in failed:
            print(f"host.explore: {line}", file=sys.stderr)
        print("host.explore: the same command tries again what failed", file=sys.stderr)
        return FAILED
    return 0


def _report(options: argparse.Namespace) -> int:
    from host.explore import store
    from host.explore.results import Results
    from host.explore.space import ExploreError

    if options.target is None and options.storage is None:
        raise ExploreError("give the name of a study or its folder, or --storage")
    folder = Path(options.target or "")
    name = None
    if options.target is not None and not folder.is_dir():
        folder, name = Path("runs") / f"explore-{options.target}", options.target
    study = store.load(folder, options.storage, name)
    default = Path("runs") / f"explore-{study.study_name}" if options.storage else folder
    _write(Results.of(study), options.out or default, options.pick)
    return 0


def _write(found: Results, folder: Path, pick: str) -> None:
    from host.explore import report

    written = report.write(found, folder, pick)
    point, chosen = written.chosen.point, written.chosen
    print(f"{len(found.results)} trials in {', '.join(map(str, written.files))}")
    print(
        f"chosen by {pick}: k = {point.k}, n = {point.n}, {point.classifier} classifiers, width "
        f"{point.width:g}: accuracy {chosen.accuracy:.2%}, figure of merit "
        f"{found.merit(chosen):.3f}"
    )
    if chosen.costs.obstacles:
        print(f"warning: it does not fit the board: {'; '.join(chosen.costs.obstacles)}")
    print(f"to train it on the board:\n  {written.command}")


def _stop(*_: Any) -> None:
    """End as at Ctrl-C: schedulers of clusters send SIGTERM before they kill."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background of a script
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    try:
        import optuna  # noqa: F401 - said here once, not as a traceback
        import torch  # noqa: F401
    except ModuleNotFoundError as error:
        print(
            f"host.explore: {error.name} is not installed: pip install -e '.[explore,reference]' "
            "(docs/explore.md)",
            file=sys.stderr,
        )
        return FAILED
    options = parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _stop)
    try:
        status: int = options.function(options)
    except (OSError, TypeError, ValueError) as error:
        print(f"host.explore: error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("host.explore: stopped; the same command goes on", file=sys.stderr)
        return STOPPED
    return status


if __name__ == "__main__":
    raise SystemExit(main())
