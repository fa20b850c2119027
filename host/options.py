"""Options of the training program, and what they and the presets make of a run."""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from golden.core_config import CoreConfig
from golden.loss import LOSSES
from golden.network import CLASSIFIERS, Network
from golden.settings import Settings, intervals
from host import build_config, datasets, presets
from host.run_folder import RunFolder, RunFolderError
from host.training import Plan

CHECK = 5
"""Recordings on which a board is compared with the golden model."""

REAL = ("uart:", "pcie:")
"""Names of boards that say themselves what they hold begin so."""

EXAMPLES = """\
examples:
  train_on_board.py
      handwritten digits on the simulated board (a few minutes)
  train_on_board.py --dataset gestures --board golden
      generated gestures on the integer model, without a board: the same result, sooner
  train_on_board.py --dataset nmnist --data-dir ~/data --board uart:/dev/ttyUSB1
      N-MNIST from ~/data/NMNIST on the board at a serial port
  train_on_board.py --network my.json --k 5 --layer-shifts 4,3,1,0
      a network of your own (docs/training.md says how to write one), updated every 5 steps
  train_on_board.py --resume runs/digits-1 --epochs 4
      go on with a run that was stopped, or for more epochs

exit status: 0 trained, 2 an error (said in one line), 3 the board differs from the golden model,
130 stopped by Ctrl-C
"""

RESUME_OPTIONS = {"resume", "board", "epochs", "check", "data_dir", "traceback"}
"""Options that a run which goes on may be given anew."""


def _limit(text: str) -> int:
    return 0 if text == "all" else int(text)


def _shifts(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


_limit.__name__ = "number or 'all'"
_shifts.__name__ = "list of numbers"


def parser() -> argparse.ArgumentParser:
    """Return the parser; every option is None unless it was given."""
    made = argparse.ArgumentParser(
        prog="train_on_board.py",
        description="Train a spiking network on an accelerator: simulated, real, or its integer "
        "model. Network, rates and amounts of data default to the data set's preset.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=None,
    )
    add = made.add_argument_group("data").add_argument
    add("--dataset", metavar="NAME", help=f"{', '.join(datasets.SOURCES)} (default: digits)")
    add("--data-dir", metavar="DIR", help="folder of recordings (default: $TLBPTT_DATA)")
    add("--train-limit", metavar="N", type=_limit, help="training recordings per epoch, or all")
    add("--test-limit", metavar="N", type=_limit, help="test recordings, or all")
    add("--steps", metavar="T", type=int, help="frames of a recording")
    add("--window-ms", metavar="MS", type=float, help="time of a frame [ms]")
    add("--size", metavar="PIXELS", type=int, help="edge of a frame")
    add("--downsample", metavar="N", type=int, help="sensor pixels per frame pixel along an edge")
    add("--data-seed", metavar="N", type=int, help="choice of subsets, generated data (default: 0)")
    add = made.add_argument_group("network and learning").add_argument
    add("--network", metavar="NET", help=f"{', '.join(presets.NETWORKS)} or a JSON file")
    add(
        "--weights", metavar="FILE",
        help="first weights from a run folder, its weights.npz, or an import of host.exchange "
        "(default: drawn)",
    )  # fmt: skip
    add("--k", metavar="K", type=int, help="truncation interval: steps between updates, 1 to T")
    add("--n", metavar="N", type=int, help="block length: hidden layers per local classifier")
    add(
        "--classifier", choices=CLASSIFIERS,
        help="local classifiers: trainable, or random and never stored",
    )  # fmt: skip
    add(
        "--freeze", metavar="NAME,NAME,…", type=_names,
        help="layers that keep their weights, such as conv1",
    )  # fmt: skip
    add("--epochs", metavar="N", type=int, help="passes over the training recordings")
    add("--seed", metavar="N", type=int, help="first weights, order, rounding (default: 1)")
    add("--rate-shift", metavar="N", type=int, help="learning rate 2**-N")
    add(
        "--layer-shifts", metavar="N,N,…", type=_shifts,
        help="further halvings of the rate: one number, or one per layer with weights, each "
        "block's layers before its classifier",
    )  # fmt: skip
    add("--halve-every", metavar="N", type=int, help="epochs between halvings of the rate, 0 never")
    add("--momentum-shift", metavar="D", type=int, help="momentum 1 - 2**-D, 0 switches it off")
    add("--error-fraction", metavar="N", type=int, help="fractional bits of errors (f_e)")
    add(
        "--update-every", metavar="M", type=int,
        help="intervals per change of the weights (default: 1)",
    )  # fmt: skip
    add(
        "--dropout", metavar="P", type=float,
        help="share of neurons dropped while training, in steps of 1/256 (default: 0)",
    )  # fmt: skip
    add(
        "--dropout-correction", action=argparse.BooleanOptionalAction,
        help="raise thresholds at inference, where nothing is dropped (default: with --dropout)",
    )  # fmt: skip
    add(
        "--decay-to-zero", action=argparse.BooleanOptionalAction,
        help="momentum decays to 0 from either side, which matters at k = 1 (default: not)",
    )  # fmt: skip
    add("--loss", choices=LOSSES, help="error at the end of an interval (default: mse)")
    add(
        "--temperature-shift", metavar="N", type=int,
        help="of cross-entropy: a class with 2**N spikes less weighs half (default: 0)",
    )  # fmt: skip
    add = made.add_argument_group("board").add_argument
    add(
        "--board", metavar="B",
        help="sim (default), golden, uart:PORT[,BAUD] such as uart:/dev/ttyUSB1 (12 Mbaud) or "
        "uart:/dev/ttyUSB0,3000000, or pcie:DEVICE such as pcie:/dev/xdma0",
    )  # fmt: skip
    add("--lanes", metavar="P", type=int, help="P of the simulated board (default: 16)")
    add(
        "--config", metavar="FILE",
        help="config.json of a build folder: the simulated board and the golden model take its "
        "configuration, number formats included; a real board must hold it",
    )  # fmt: skip
    add(
        "--check", metavar="N", type=int,
        help="compare the first N recordings with the golden model, bit for bit "
        f"(default: {CHECK}; 0 with --board golden, which is that model)",
    )  # fmt: skip
    add = made.add_argument_group("run folder").add_argument
    add("--run-dir", metavar="DIR", help="a new folder for the run (default: runs/NAME-NUMBER)")
    add("--resume", metavar="DIR", help="go on with the run of this folder")
    add("--traceback", action="store_true", help="show where in the program an error arose")
    return made


@dataclass(frozen=True)
class Run:
    """A run, all options resolved.

    Attributes
    ----------
    board : str
        Name for `host.driver.open_board`.
    config : CoreConfig, optional
        Of the simulated board or the golden model; a real board must hold it, None takes what it
        has.
    folder : RunFolder, optional
        Of a run that goes on.
    weights : str, optional
        File of the first weights; None draws them.
    """

    board: str
    config: CoreConfig | None
    data: datasets.DataSet
    data_options: dict[str, Any]
    network: Network
    settings: Settings
    plan: Plan
    folder: RunFolder | None = None
    weights: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for ``config.json``."""
        return {
            "board": self.board,
            "core": None if self.config is None else self.config.to_words(),
            "data": self.data_options,
            "network": self.network.to_dict(),
            "settings": asdict(self.settings),
            "plan": asdict(self.plan),
            "weights": self.weights,
        }


def resolve(options: argparse.Namespace) -> Run:
    """Make a run of options, presets and, if it goes on, of its folder.

    Raises
    ------
    ValueError, TypeError
        An option, the data set or the network is wrong; nothing was written.
    """
    return _again(options) if options.resume is not None else _new(options)


def _given(value: Any, default: Any) -> Any:
    return default if value is None else value


def _new(options: argparse.Namespace) -> Run:
    name = _given(options.dataset, "digits")
    datasets.source(name)
    preset = presets.preset(name)
    network_name = presets.network_name(name, options.network)
    window_ms = options.window_ms
    data_options = {
        "name": name,
        "data_dir": options.data_dir and str(Path(options.data_dir).expanduser().absolute()),
        "windows": options.steps,
        "window_us": None if window_ms is None else round(1000 * window_ms),
        "size": options.size,
        "downsample": options.downsample,
        "seed": _given(options.data_seed, 0),
        "train_limit": _given(options.train_limit, preset.train_limit) or None,
        "test_limit": _given(options.test_limit, preset.test_limit) or None,
    }
    for field in ("train_limit", "test_limit"):
        if getattr(options, field) == 0:
            data_options[field] = None
    data = datasets.load(**data_options)
    network = presets.network(network_name, data.shape, data.classes, data.encoding)
    network = replace(
        network,
        block_length=_given(options.n, network.block_length),
        classifier=_given(options.classifier, network.classifier),
    )
    settings = _settings(options, preset, network, data)
    board, config = _board(options)
    plan = Plan(
        epochs=_given(options.epochs, preset.epochs),
        halve_every=_given(options.halve_every, preset.halve_every),
        seed=settings.seed,
        check=_check(options, board),
        update_every=_given(options.update_every, 1),
    )
    weights = options.weights and str(Path(options.weights).expanduser().absolute())
    return Run(
        board, config, data, data_options, network, settings, plan, weights=weights
    )  # fmt: skip


def _board(options: argparse.Namespace) -> tuple[str, CoreConfig | None]:
    """Return the board's name and the configuration that it gets or must hold."""
    name = _given(options.board, "sim")
    if options.config is None:
        own = name.startswith(REAL) and options.lanes is None
        return name, None if own else presets.core_config(options.lanes)
    if options.lanes is not None:
        raise ValueError("leave out --lanes: --config tells the number of lanes")
    config, baud = build_config.read(Path(options.config).expanduser())
    if name.startswith("uart:") and "," not in name:
        name += f",{baud}"
    return name, config


def _settings(
    options: argparse.Namespace,
    preset: presets.Preset,
    network: Network,
    data: datasets.DataSet,
) -> Settings:
    base = preset.settings
    k = _given(options.k, min(base.interval, data.steps))
    cut = intervals(data.steps, k)
    own = options.network in (None, preset.network) and options.n is None
    settings = replace(
        base,
        interval=k,
        error_fraction=_given(options.error_fraction, presets.error_fraction(base, data.steps, k)),
        rate_shift=_given(options.rate_shift, presets.rate_shift(base, k)),
        layer_shifts=_given(
            options.layer_shifts, base.layer_shifts if own else presets.layer_shifts(network)
        ),
        momentum_shift=_given(options.momentum_shift, base.momentum_shift),
        seed=_given(options.seed, base.seed),
        frozen=_given(options.freeze, base.frozen),
        dropout=_given(options.dropout, base.dropout),
        dropout_correction=_given(options.dropout_correction, bool(options.dropout)),
        loss=_given(options.loss, base.loss),
        temperature_shift=_given(options.temperature_shift, base.temperature_shift),
        decay_to_zero=_given(options.decay_to_zero, base.decay_to_zero),
    )
    if options.dropout and not settings.dropout_code:
        raise ValueError(f"dropout must be 0 or at least 1/256, not {options.dropout!r}")
    if settings.dropout_correction and not settings.dropout_code:
        raise ValueError("--dropout-correction needs --dropout above 0")
    if settings.temperature_shift and settings.loss != "cross-entropy":
        raise ValueError("--temperature-shift needs --loss cross-entropy")
    for length in {length for _, length in cut}:
        settings.loss_scale(length, network.classes)
    return settings


def _check(options: argparse.Namespace, board: str) -> int:
    number: int = _given(options.check, CHECK)
    return 0 if board == "golden" else number


def _again(options: argparse.Namespace) -> Run:
    wrong = [
        "--" + name.replace("_", "-")
        for name, value in vars(options).items()
        if value is not None and name not in RESUME_OPTIONS
    ]
    if wrong:
        raise ValueError(
            f"--resume goes on with the run as it was begun: leave out {', '.join(wrong)}"
        )
    folder = RunFolder.open(Path(options.resume))
    config = folder.read_config()
    try:
        board = _given(options.board, config["board"])
        words = config["core"]
        data_options = dict(config["data"])
        if options.data_dir is not None:
            data_options["data_dir"] = str(Path(options.data_dir).expanduser().absolute())
        network = Network.from_dict(config["network"])
        settings = Settings(**config["settings"])
        plan = replace(Plan(**config["plan"]), check=_check(options, board))
        core = None if words is None else CoreConfig.from_words(words)
    except (KeyError, TypeError, ValueError) as error:
        raise RunFolderError(f"{folder.config} is damaged: {error!r}") from error
    if options.epochs is not None:
        plan = replace(plan, epochs=options.epochs)
    if board.startswith(REAL):
        core = None
    data = datasets.load(**data_options)
    weights = config.get("weights")
    return Run(board, core, data, data_options, network, settings, plan, folder, weights)
