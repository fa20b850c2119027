"""Networks, settings and amounts of data that `train_on_board.py` uses where nothing is asked for.

Every network here fits the default `CoreConfig`, that of an Arty A7-100T, at its own k. Data sets
that no network fits there have no preset: the user names a network, and lanes enough.
"""

from __future__ import annotations

import difflib
import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from golden.core_config import CoreConfig
from golden.network import (
    AvgPool,
    Conv,
    Dense,
    Layer,
    LayerSpec,
    Network,
    Residual,
    Shape,
    lenet1_events,
)
from golden.paper_networks import LAYERS, paper_network
from golden.settings import Settings, intervals


@dataclass(frozen=True)
class Preset:
    """Defaults of one data set.

    Attributes
    ----------
    network : str
        Name in `NETWORKS`; empty where the user must name one.
    settings : Settings
        Interval, rates, momentum; the seed is the user's.
    epochs : int
        Passes over the training recordings.
    halve_every : int
        Epochs between halvings of the learning rate; 0 never halves it.
    train_limit, test_limit : int, optional
        Recordings used at most; None uses all.
    """

    network: str
    settings: Settings
    epochs: int
    halve_every: int
    train_limit: int | None = None
    test_limit: int | None = None


NETWORKS: dict[str, Network] = {
    "small": Network(
        (16, 16, 2),
        (Conv(8, 5, stride=2), Dense(64)),
        classes=10,
        name="small",
    ),
    "moving": Network(
        (16, 16, 2),
        (Conv(16, 5, padding=2), AvgPool(2), Conv(32, 3, padding=1), AvgPool(2), Dense(64)),
        classes=8,
        name="moving",
    ),
    "lenet1": lenet1_events(),
    "strided": Network(
        (32, 32, 2),
        (
            Conv(8, 5, padding=2, stride=2),
            AvgPool(2),
            Conv(32, 3, padding=1),
            AvgPool(2),
            Dense(96),
        ),
        classes=11,
        name="strided",
    ),
    "letters": Network(
        (28, 28, 1),
        (Conv(6, 5), AvgPool(2), Conv(16, 5), AvgPool(2), Dense(120), Dense(84)),
        classes=47,
        block_length=2,
        name="letters",
        encoding="direct",
    ),
}
"""Networks by name. Input shape, classes and encoding are those of the data set each was made for
and are replaced by those of the data set in use."""

PRESETS: dict[str, Preset] = {
    "digits": Preset(
        "small",
        Settings(interval=10, rate_shift=4, layer_shifts=(4, 3, 1, 0)),
        epochs=2,
        halve_every=1,
        train_limit=600,
        test_limit=150,
    ),
    "gestures": Preset(
        "moving",
        Settings(interval=10, rate_shift=5, layer_shifts=(4, 3, 3, 1, 0, 0)),
        epochs=6,
        halve_every=2,
    ),
    "nmnist": Preset(
        "lenet1",
        Settings(interval=10, rate_shift=6, layer_shifts=(6, 4, 5, 2, 1, 1, 0, 0)),
        epochs=8,
        halve_every=3,
    ),
    "dvsgesture": Preset(
        "strided",
        Settings(interval=10, rate_shift=5, layer_shifts=(4, 3, 3, 1, 0, 0)),
        epochs=20,
        halve_every=7,
    ),
    "mnist": Preset(
        "lenet1",
        Settings(interval=10, rate_shift=4, layer_shifts=(4, 4, 4, 2, 1, 1, 0, 0)),
        epochs=4,
        halve_every=2,
        train_limit=2000,
        test_limit=500,
    ),
    "emnist": Preset(
        "letters",
        Settings(interval=10, rate_shift=5, layer_shifts=(5, 4, 2, 1, 0, 0)),
        epochs=4,
        halve_every=2,
        train_limit=9400,
        test_limit=940,
    ),
    "cifar10dvs": Preset(
        "strided",
        Settings(interval=10, rate_shift=5, layer_shifts=(4, 3, 3, 1, 0, 0)),
        epochs=20,
        halve_every=7,
    ),
}
"""Defaults by data set."""

NO_PRESET = Preset("", Settings(interval=10, rate_shift=5), epochs=20, halve_every=7)
"""What a data set without a preset is trained with; layer shifts are those of `layer_shifts`."""


def preset(name: str) -> Preset:
    """Return the defaults of a data set."""
    return PRESETS.get(name, NO_PRESET)


def names() -> tuple[str, ...]:
    """Return the names of all networks: those with a preset, then the paper's others."""
    return (*NETWORKS, *(name for name in LAYERS if name not in NETWORKS))


def network_name(data: str, asked: str | None = None) -> str:
    """Return the network asked for, or else that of a data set's preset.

    Raises
    ------
    ValueError
        None was asked for and the data set has no preset.
    """
    found = asked or preset(data).network
    if not found:
        raise ValueError(
            f"data set {data!r} has no preset, since no network fits the default board with it: "
            f"give --network ({', '.join(names())} or a JSON file)"
        )
    return found


def network(name: str, shape: Shape, classes: int, encoding: str = "events") -> Network:
    """Return a network by its name in `names` or from a JSON file, for a data set's frames.

    A file holds what `Network.to_dict` returns; ``input_shape``, ``classes``, ``encoding`` and
    ``name`` may be left out and are then taken from the data set and the file's name.

    Parameters
    ----------
    name : str
        Name, or path of a file.
    shape : Shape
        Height, width and channels of the data set's frames.
    classes : int
        Classes of the data set.
    encoding : str
        ``events``, or ``direct`` for images.

    Raises
    ------
    ValueError
        There is no such network, the file is damaged, or it does not suit the data set.
    """
    if name in NETWORKS:
        return replace(NETWORKS[name], input_shape=shape, classes=classes, encoding=encoding)
    if name in LAYERS:
        return paper_network(name, input_shape=shape, classes=classes, encoding=encoding)
    path, data = Path(name), _read(name)
    own = {"input_shape": list(shape), "classes": classes, "encoding": encoding}
    data = {**own, "name": path.stem, **data}
    try:
        made = Network.from_dict(data)
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"network file {path}: {error}") from error
    for field, value, wanted in (
        ("input_shape", made.input_shape, shape),
        ("classes", made.classes, classes),
        ("encoding", made.encoding, encoding),
    ):
        if value != wanted:
            raise ValueError(
                f"network file {path}: {field} must be the data set's {wanted}, not {value} "
                "(leave it out to take the data set's)"
            )
    return made


def _read(name: str) -> dict[str, Any]:
    """Return the JSON object of a network file."""
    path = Path(name)
    if not path.is_file():
        close = difflib.get_close_matches(name, names(), n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ValueError(
            f"network must be one of {', '.join(names())} or an existing JSON file, "
            f"not {name!r}{hint}"
        )
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"network file {path} cannot be read: {error}") from error
    if not isinstance(data, dict):
        raise ValueError(f"network file {path} must hold a JSON object, not {type(data).__name__}")
    return data


def any_network(name: str) -> Network:
    """Return a network by name with its own input shape and classes, or one from a whole file.

    Raises
    ------
    ValueError
        There is no such network, or the file leaves out its input shape or classes.
    """
    if name in NETWORKS:
        return NETWORKS[name]
    if name in LAYERS:
        return paper_network(name)
    data = _read(name)
    try:
        return Network.from_dict({"name": Path(name).stem, **data})
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"network file {name}: {error}") from error


def layer_shifts(network: Network) -> tuple[int, ...]:
    """Return halvings of the rate for the layers of a network that has no preset.

    A weight of a convolution sums its gradient over positions and a classifier on many features
    sees many spikes, so both learn slower: 1 + log2(positions)/2 for a convolution,
    log2(rows/150) for a dense layer, log2(rows/84) for a classifier, none of them below 0. For
    LeNet-1 that is within one of the shifts found by search (6, 4, 5, 2, 1, 1, 0, 0).
    """

    def shift(layer: Layer) -> int:
        if layer.kind == "conv":
            return round(1 + math.log2(layer.out_shape[0] * layer.out_shape[1]) / 2)
        return max(0, round(math.log2(layer.rows / (84 if layer.kind == "classifier" else 150))))

    return tuple(shift(layer) for layer in network.weighted)


def rate_shift(settings: Settings, k: int) -> int:
    """Return the rate's shift: below a preset's k a rate as k, to the nearest power of two.

    The 1/k in the loss makes an interval's gradient about as large for every k, and a recording has
    T/k updates: a rate as k leaves the change per recording the same. Above its k the preset's rate
    stays: blocks of several layers do not learn at a larger one.
    """
    return settings.rate_shift + max(0, round(math.log2(settings.interval / k)))


def error_fraction(settings: Settings, steps: int, k: int) -> int:
    """Return f_e for another k: a bit less for each factor of 4 that an interval is shorter.

    e of an interval grows as 1/k, but V, which keeps mu of all intervals before, hardly does, and
    gamma sums over the steps left. Measured on N-MNIST at k = 1: 14 saturates no gamma, 15 does,
    and at 12 learning suffers from V whose last bits never decay.

    Parameters
    ----------
    settings : Settings
        A preset; its f_e suits its k and all longer intervals.
    steps, k : int
        T and the k wanted; the last interval may be the shortest.
    """
    shortest = min(length for _, length in intervals(steps, k))
    fours = math.log2(settings.interval / shortest) / 2
    return settings.error_fraction - max(0, math.ceil(fours))


def core_config(lanes: int | None = None) -> CoreConfig:
    """Return the default maxima for another number of lanes.

    Below the default's 16 lanes the memories get deeper, so that they hold the same number of bits.

    Raises
    ------
    ValueError
        `lanes` is no power of two between 4 and 64.
    """
    config = CoreConfig()
    return config if lanes is None else config.with_lanes(lanes)


def describe(network: Network) -> str:
    """Return a network in one line, such as ``16×16×2 – 8C5 – AP2 – 64 – 10 classes``."""
    sizes = "×".join(map(str, network.input_shape))
    return " – ".join([sizes, *map(_describe, network.layers), f"{network.classes} classes"])


def _describe(spec: LayerSpec) -> str:
    if isinstance(spec, AvgPool):
        return f"AP{spec.window}"
    stride = f" stride {spec.stride}" if not isinstance(spec, Dense) and spec.stride > 1 else ""
    if isinstance(spec, Residual):
        return f"R{spec.channels}{stride}"
    norm = " BN" if spec.batch_norm else ""
    if isinstance(spec, Dense):
        return f"{spec.neurons}{norm}"
    pad = f" pad {spec.padding}" if spec.padding else ""
    return f"{spec.channels}C{spec.kernel}{pad}{stride}{norm}"
