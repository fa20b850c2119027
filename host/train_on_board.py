"""Train a spiking network on a board: ``python host/train_on_board.py --help``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from golden.qformat import Int
    from host.board import Board
    from host.checkpoint import Progress
    from host.options import Run
    from host.run_folder import RunFolder
    from host.training import Outcome

FAILED, DIFFERS, STOPPED = 2, 3, 130
"""Exit statuses."""

INITIAL_RECORDINGS = 20
"""Training recordings on which the first weights are scaled."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    try:
        from host.board import BoardError
        from host.link import RequestError
        from host.options import parser, resolve
        from host.side_by_side import MismatchError
    except ModuleNotFoundError as error:
        print(
            f"train_on_board.py: {error.name} is not installed for {sys.executable}. Run `make "
            "train` once: it makes the environment .venv and trains on digits. Then use "
            "`.venv/bin/python host/train_on_board.py`.",
            file=sys.stderr,
        )
        return FAILED
    options = parser().parse_args(arguments)
    try:
        return train(resolve(options), options.run_dir)
    except MismatchError as error:
        status, text = DIFFERS, f"the board differs from the golden model: {error}"
    except (BoardError, RequestError, OSError, OverflowError, TypeError, ValueError) as error:
        if options.traceback:
            raise
        status, text = FAILED, str(error)
    except KeyboardInterrupt:
        status, text = STOPPED, "stopped"
    print(f"train_on_board.py: error: {text}", file=sys.stderr)
    return status


def train(run: Run, run_dir: str | None) -> int:
    """Carry out a run; return the exit status.

    Everything that can be wrong is looked at before a run folder is made.
    """
    from host.driver import open_board
    from host.presets import describe
    from host.run_folder import RunFolder
    from host.training import InterruptedRunError, Training

    if run_dir is not None and Path(run_dir).exists():
        RunFolder.create(Path(run_dir), "")
    print(run.data.summary())
    print(
        f"network {run.network.name}: {describe(run.network)}, {run.network.weights:,} weights, "
        f"n = {run.network.block_length}, k = {run.settings.interval}{_unusual(run)}"
    )
    _check_fit(run)
    with open_board(run.board, run.config) as board:
        progress = None
        if run.folder is None:
            board.load(run.network, run.settings, _first_weights(run, board))
            folder = RunFolder.create(Path(run_dir) if run_dir else None, run.data_options["name"])
            folder.write_config(run.to_dict())
        else:
            folder = run.folder
            progress = _load_state(run, board, folder)
            folder.write_config(run.to_dict())
        print(f"board: {board.name}, P = {board.config.lanes}; run folder: {folder.path}")
        try:
            outcome = Training(board, run.data, run.plan, folder, progress).run()
        except InterruptedRunError:
            print(f"stopped; go on with --resume {folder.path}")
            return STOPPED
        except BaseException:
            print(f"what was trained until the last save is in {folder.path}", file=sys.stderr)
            raise
        if board.counters()["gradient_overflow"]:
            print(
                "warning: gradients overflowed and wrapped; lower --error-fraction "
                f"(now {run.settings.error_fraction})",
                file=sys.stderr,
            )
        _draw(run, board, folder, outcome)
    print(
        f"test accuracy {outcome.before:.1%} before, {outcome.after:.1%} after training "
        f"({outcome.seconds:.0f} s)"
    )
    print(f"weights, metrics and pictures are in {folder.path}")
    return 0


def _unusual(run: Run) -> str:
    """Say what most runs do without."""
    settings, text = run.settings, ""
    if settings.dropout_code:
        corrected = "" if settings.dropout_correction else "not "
        text += f", dropout {settings.dropout:g}, {corrected}corrected at inference"
    if settings.loss != "mse":
        text += f", {settings.loss} halved per {1 << settings.temperature_shift} spikes"
    if run.plan.update_every > 1:
        text += f", an update every {run.plan.update_every} intervals"
    return text


def _check_fit(run: Run) -> None:
    """Refuse a network that does not fit before a simulation is built for minutes."""
    from golden.layout import place

    if run.config is not None:
        place(run.network, run.config, run.settings.interval).check()
        run.settings.check(run.network, run.config.formats)


def _first_weights(run: Run, board: Board) -> list[Int]:
    from golden.initialise import initialise
    from host import first_weights
    from host.training import recording_order

    if run.weights is not None:
        return first_weights.read(Path(run.weights), run.network, board.config.formats)
    train, seed = run.data.train, run.plan.seed
    chosen = recording_order(len(train), seed, 0)[:INITIAL_RECORDINGS]
    frames = [sample.frames for sample in train.subset(chosen)]
    formats = board.config.formats
    return initialise(run.network, frames, formats, seed=seed, run_seed=run.settings.seed)[1]


def _load_state(run: Run, board: Board, folder: RunFolder) -> Progress:
    """Give the board what the checkpoint holds."""
    from host.run_folder import RunFolderError

    state = folder.load()
    if (state.network, state.settings) != (run.network, run.settings):
        raise RunFolderError(
            f"{folder.weights} holds another network or other settings than {folder.config}"
        )
    if state.progress.update_every != run.plan.update_every:
        raise RunFolderError(
            f"update_every in {folder.config} must be the {state.progress.update_every} of "
            f"{folder.weights}, not {run.plan.update_every}"
        )
    if state.formats != board.config.formats:
        raise RunFolderError(
            f"{folder.weights} has other number formats than the board: {state.formats}, "
            f"not {board.config.formats}"
        )
    board.load(run.network, run.settings, state.weights)
    board.write_momentum(state.momentum)
    board.trained_intervals = state.progress.trained_intervals
    board.set_halvings(run.plan.halvings(state.progress.epoch))
    folder.truncate(state.progress.records)
    return state.progress


def _draw(run: Run, board: Board, folder: RunFolder, outcome: Outcome) -> None:
    from golden.trainer import GoldenModel
    from host import plots
    from host.presets import describe

    data, network = run.data, run.network
    title = f"{data.name}, k = {run.settings.interval}\n{describe(network)}"
    plots.learning_curve(folder.curve, folder.records(), network.classes, title)
    model = GoldenModel(network, board.config.formats, run.settings, strict=False)
    model.weights = board.read_weights()
    sample = data.test[0]
    plots.spike_raster(
        folder.raster, model, sample.frames, sample.label, data.class_names, data.window_us
    )
    name = f"{data.name}: {outcome.after:.1%} of {outcome.confusion.sum()} test recordings right"
    plots.confusion_matrix(folder.confusion, outcome.confusion, data.class_names, name)


if __name__ == "__main__":
    # Started as a file, Python looks for modules in host/ first: its names are no top-level ones.
    sys.path[:] = [
        entry
        for entry in sys.path
        if Path(entry or ".").resolve() != Path(__file__).resolve().parent
    ]
    sys.exit(main())
