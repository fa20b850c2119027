"""What is tried: values of k, n, kind of classifier, width, rate and seed, or ranges of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, astuple, dataclass, fields, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from golden.cutting import block_lengths
from golden.network import CLASSIFIERS, AvgPool, Dense, LayerSpec, Network

if TYPE_CHECKING:
    from optuna.trial import Trial

Value = int | float | str


class ExploreError(ValueError):
    """A study cannot be begun, gone on with or reported on; the message says why."""


@dataclass(frozen=True)
class Range:
    """All numbers from `low` to `high`, drawn evenly in their logarithm.

    Raises
    ------
    ValueError
        The ends are not positive and in order.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high < math.inf:
            raise ValueError(
                f"a range must be LOW:HIGH with 0 < LOW < HIGH, not {self.low:g}:{self.high:g}"
            )


@dataclass(frozen=True)
class Point:
    """What is trained once.

    Attributes
    ----------
    k, n : int
        Truncation interval, block length.
    classifier : str
        Kind of the local classifiers.
    width : float
        Factor of the network's hidden channels and neurons.
    rate : float
        Learning rate.
    seed : int
        Of first weights, order, dropout.
    """

    k: int
    n: int
    classifier: str
    width: float
    rate: float
    seed: int

    @property
    def name(self) -> str:
        """Name of the point and of its run folder; floats in full, so that no two are alike."""
        return (
            f"k{self.k}-n{self.n}-{self.classifier}-width{self.width!r}-rate{self.rate!r}"
            f"-seed{self.seed}"
        )

    @property
    def candidate(self) -> Point:
        """The point with seed 0, the same for all seeds."""
        return replace(self, seed=0)


AXES = tuple(field.name for field in fields(Point))
"""Names of the axes."""


@dataclass(frozen=True)
class Space:
    """Values of each axis of `Point`, or ranges of width and rate.

    Raises
    ------
    ValueError
        An axis has no value or one twice, or a value that cannot be; the message names it.
    """

    k: tuple[int, ...]
    n: tuple[int, ...]
    classifier: tuple[str, ...] = ("trainable",)
    width: tuple[float, ...] | Range = (1.0,)
    rate: tuple[float, ...] | Range = (1e-3,)
    seed: tuple[int, ...] = (1,)

    def __post_init__(self) -> None:
        for name, axis in vars(self).items():
            if isinstance(axis, Range):
                continue
            twice = [value for number, value in enumerate(axis) if value in axis[:number]]
            if twice:
                raise ValueError(f"--{name} must name each value once, not {twice[0]} twice")
            for value in axis:
                if name == "classifier":
                    if value not in CLASSIFIERS:
                        raise ValueError(f"--classifier must be of {CLASSIFIERS}, not {value!r}")
                elif not 0 < value < math.inf and (name, value) != ("seed", 0):
                    raise ValueError(f"--{name} must be above 0, not {value}")

    @property
    def ranges(self) -> tuple[str, ...]:
        """Names of the axes that are ranges."""
        return tuple(name for name in AXES if isinstance(getattr(self, name), Range))

    def check(self, network: Network, steps: int) -> None:
        """Refuse a space with a point that cannot be trained.

        Raises
        ------
        ExploreError
            k is above T, n above the hidden layers, or a layer is too wide.
        """
        hidden = sum(block_lengths(network.layers, 1))
        for name, high, of in (
            ("k", steps, f"T = {steps}"),
            ("n", hidden, f"the {hidden} hidden layers of network {network.name!r}"),
        ):
            for value in getattr(self, name):
                if value > high:
                    raise ExploreError(f"--{name} must be at most {of}, not {value}")
        ends = (self.width.low, self.width.high) if isinstance(self.width, Range) else self.width
        for width in ends:
            try:
                scaled(network, width)
            except ValueError as error:
                raise ExploreError(f"--width {width:g}: {error}") from error

    def points(self) -> list[Point]:
        """Return all points of a space without ranges; seeds next to each other."""
        axes: list[tuple[Any, ...]] = [getattr(self, name) for name in AXES]
        return [Point(*values) for values in product(*axes)]

    def suggest(self, trial: Trial) -> Point:
        """Return the point of a trial, as queued or as the study's sampler draws it."""
        values: dict[str, Any] = {}
        for name in AXES:
            axis = getattr(self, name)
            values[name] = (
                trial.suggest_float(name, axis.low, axis.high, log=True)
                if isinstance(axis, Range)
                else trial.suggest_categorical(name, axis)
            )
        return Point(**values)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    def describe(self) -> str:
        """Return the space in one line."""
        return "; ".join(
            f"{name} = {axis.low:g} to {axis.high:g}"
            if isinstance(axis, Range)
            else f"{name} = {', '.join(map(short, axis))}"
            for name, axis in ((name, getattr(self, name)) for name in AXES)
        )


def short(value: Value) -> str:
    """Return a value of an axis as text, floats in four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def params(point: Point) -> dict[str, Value]:
    """Return a point by axis."""
    return dict(zip(AXES, astuple(point), strict=True))


def scaled(network: Network, width: float) -> Network:
    """Return the network with its hidden channels and neurons times `width`, at least 1 each.

    Raises
    ------
    ValueError
        A layer is wider than can be.
    """
    if width == 1:
        return network

    def wide(spec: LayerSpec) -> LayerSpec:
        if isinstance(spec, AvgPool):
            return spec
        if isinstance(spec, Dense):
            return replace(spec, neurons=_times(spec.neurons, width))
        return replace(spec, channels=_times(spec.channels, width))

    layers = tuple(map(wide, network.layers))
    return replace(network, layers=layers, name=f"{network.name}-width{width:g}")


def _times(size: int, width: float) -> int:
    return max(1, math.floor(size * width + 0.5))


def network_of(network: Network, point: Point) -> Network:
    """Return the network that a point trains."""
    wide = scaled(network, point.width)
    return replace(wide, block_length=point.n, classifier=point.classifier)


def _list(kind: Callable[[str], Any], text: str) -> tuple[Any, ...]:
    return tuple(kind(part.strip()) for part in text.split(","))


def integers(text: str) -> tuple[int, ...]:
    """Read ``10,5,1``."""
    return _list(int, text)


def names(text: str) -> tuple[str, ...]:
    """Read ``trainable,random``."""
    return _list(str, text)


def numbers(text: str) -> tuple[float, ...] | Range:
    """Read ``0.001,0.01``, or the range ``1e-4:1e-2``."""
    low, colon, high = text.partition(":")
    return Range(float(low), float(high)) if colon else _list(float, text)


PARSERS: Mapping[str, Callable[[str], Any]] = {
    "k": integers, "n": integers, "classifier": names, "width": numbers, "rate": numbers,
    "seed": integers,
}  # fmt: skip
"""What reads the text of each axis."""
