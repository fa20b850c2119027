"""Cuts a list of layers into blocks, each with its local classifier, and resolves every shape."""

from __future__ import annotations

from dataclasses import replace

from golden.checks import require_integer
from golden.layers import AvgPool, Block, Conv, Dense, Layer, LayerSpec, Residual, Shape
from golden.neuron import Lif


def block_lengths(layers: tuple[LayerSpec, ...], block_length: int | tuple[int, ...]) -> list[int]:
    """Return the hidden-layer count of each block.

    Parameters
    ----------
    layers : tuple of LayerSpec
        Hidden layers, bottom to top.
    block_length : int or tuple of int
        n of all blocks or of each, as for `golden.network.Network`.

    Raises
    ------
    TypeError, ValueError
        A length is out of range, lengths do not add up, or an edge would cut a residual.
    """
    hidden = sum(spec.hidden for spec in layers)
    own = isinstance(block_length, int)
    wanted = [block_length] if isinstance(block_length, int) else list(block_length)
    for length in wanted:
        require_integer("block_length", length, 1, hidden)
    if not own and sum(wanted) != hidden:
        raise ValueError(
            f"block_length must add up to the {hidden} hidden layers, not {block_length}"
        )
    lengths = [0]
    for spec in layers:
        limit = wanted[0] if own else wanted[len(lengths) - 1]
        if lengths[-1] >= limit and spec.hidden:
            lengths.append(0)
            limit = wanted[0] if own else wanted[len(lengths) - 1]
        lengths[-1] += spec.hidden
        if not own and lengths[-1] > limit:
            raise ValueError(
                f"block_length {block_length} cuts a Residual, which is two hidden layers: "
                f"make block {len(lengths)} a layer longer or shorter"
            )
    return lengths


def cut(
    layers: tuple[LayerSpec, ...],
    block_length: int | tuple[int, ...],
    input_shape: Shape,
    classes: int,
    lif: Lif,
    *,
    random: bool,
    direct: bool,
) -> tuple[Block, ...]:
    """Return the blocks, bottom to top, with resolved layers and classifiers.

    Parameters
    ----------
    layers, block_length, input_shape, classes, lif
        As for `golden.network.Network`.
    random : bool
        Classifiers are random.
    direct : bool
        The first layer reads an image.
    """
    builder = _Builder(input_shape, lif, direct)
    blocks: list[Block] = []
    done = 0
    lengths = block_lengths(layers, block_length)
    for position, spec in enumerate(layers):
        after = layers[position + 1] if position + 1 < len(layers) else None
        builder.append(spec, after.window**2 if isinstance(after, AvgPool) else 1)
        done += spec.hidden
        if done == lengths[len(blocks)] and not isinstance(after, AvgPool):
            blocks.append(builder.close(classes, random))
            done = 0
    return tuple(blocks)


class _Builder:
    """Appends layers one after the other; knows the next index, hash number and input."""

    def __init__(self, shape: Shape, lif: Lif, direct: bool) -> None:
        self.shape, self.lif, self.direct = shape, lif, direct
        self.source, self.index, self.hash_id, self.hidden = -1, 0, 0, 0
        self.members: list[Layer] = []

    def append(self, spec: LayerSpec, pool_area: int) -> None:
        if isinstance(spec, Residual):
            self._residual(spec, pool_area)
        elif isinstance(spec, AvgPool):
            height, width, channels = self.shape
            out = (height // spec.window, width // spec.window, channels)
            window = spec.window
            self._add("pool", out, "pool", kernel=window, stride=window, window=window)
        elif isinstance(spec, Dense):
            self.hidden += 1
            out = (1, 1, spec.neurons)
            self._add("fc", out, "dense", batch_norm=spec.batch_norm)
        else:
            self.hidden += 1
            self._conv("conv", spec, pool_area)

    def _conv(self, stem: str, spec: Conv, pool_area: int = 1) -> Layer:
        height, width = (
            (size + 2 * spec.padding - spec.kernel) // spec.stride + 1 for size in self.shape[:2]
        )
        return self._add(
            stem, (height, width, spec.channels), "conv", kernel=spec.kernel, stride=spec.stride,
            padding=spec.padding, pool_area=pool_area, batch_norm=spec.batch_norm,
        )  # fmt: skip

    def _residual(self, spec: Residual, pool_area: int) -> None:
        source, shape = self.source, self.shape
        self.hidden += 1
        self._conv("conv", Conv(spec.channels, 3, 1, spec.stride, batch_norm=True))
        self.hidden += 1
        main = self._conv("conv", Conv(spec.channels, 3, 1, batch_norm=True))
        addend = source
        if spec.stride != 1 or spec.channels != shape[2]:
            self.source, self.shape = source, shape
            addend = self._conv(
                "shortcut", Conv(spec.channels, 1, 0, spec.stride, batch_norm=True)
            ).index
        self.source, self.shape = main.index, main.out_shape
        self._add("add", main.out_shape, "add", addend=addend, pool_area=pool_area)

    def _add(self, stem: str, out: Shape, kind: str, **fields: int) -> Layer:
        weighted = kind not in ("pool", "add")
        layer = Layer(
            self.index, f"{stem}{self.hidden}", kind, self.source, self.shape, out, self.lif,
            hash_id=self.hash_id if weighted else -1,
            direct=weighted and self.source < 0 and self.direct,
        )  # fmt: skip
        layer = replace(layer, **fields)  # type: ignore[arg-type]
        self.members.append(layer)
        self.hash_id += weighted
        self.shape, self.source, self.index = out, self.index, self.index + 1
        return layer

    def close(self, classes: int, random: bool) -> Block:
        shape, source = self.shape, self.source
        classifier = self._add("classifier", (1, 1, classes), "classifier")
        classifier = replace(classifier, random=random, direct=False)
        self.shape, self.source = shape, source
        block = Block(tuple(self.members[:-1]), classifier)
        self.members = []
        return block
