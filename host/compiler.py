"""Turn a placed network and its settings into a layer table, a program and job headers."""

from __future__ import annotations

import math
from collections.abc import Mapping

from golden.layout import DoesNotFitError, LayerLayout, Layout
from golden.network import Block, Layer
from golden.settings import Settings
from host.protocol.program import ErrorFlag, LifFlag, LossFlag, Op, When

Values = dict[str, int]
"""Field values of one record."""


def layer_table(
    layout: Layout,
    settings: Settings,
    halvings: int = 0,
    scales: Mapping[int, int] | None = None,
) -> list[Values]:
    """Return the rows of the layer table: the input frame, then every layer.

    Parameters
    ----------
    halvings : int
        How often the learning rate has been halved so far; changes the field ``shift`` only.
    scales : mapping, optional
        Scale of each random classifier by `Layer.hash_id`; 0 where not given.

    Raises
    ------
    golden.layout.DoesNotFitError
        The network does not fit the core.
    ValueError
        The settings do not suit the network.
    """
    layout.check()
    settings.check(layout.network, layout.config.formats)
    frame = layout.frame
    first = {
        "height": frame.shape[0],
        "width": frame.shape[1],
        "x_words": frame.x_words,
        "groups": frame.groups,
        "channels": frame.shape[2],
        "pack": frame.pack,
        "frame": 1,
        "spike_stride": frame.words,
    }
    rows = [_row(placed, layout, settings, halvings) for placed in layout.layers]
    for placed, row in zip(layout.layers, rows, strict=True):
        if placed.layer.random:
            row |= {"random": 1, "scale": (scales or {}).get(placed.layer.hash_id, 0)}
    return [first, *rows]


def _row(placed: LayerLayout, layout: Layout, settings: Settings, halvings: int) -> Values:
    layer, words = placed.layer, placed.map
    formats = layout.config.formats
    codes = layer.lif.codes(formats, layer.pool_area)
    row = {
        "height": words.shape[0],
        "width": words.shape[1],
        "x_words": words.x_words,
        "groups": words.groups,
        "channels": words.shape[2],
        "pack": words.pack,
        "state_base": placed.state_base,
        "error_base": placed.error_base,
        "spike_base": placed.spike_base,
        "spike_stride": placed.spike_stride,
        "mask_base": placed.mask_base,
        "mask_stride": placed.mask_stride,
        "tau": codes.tau,
        "theta": codes.theta,
        "u_th": codes.u_th,
        "half_a": codes.half_a,
        "a": codes.a,
        "c0": codes.c0,
        "c1": codes.c1,
        "window": int(math.log2(layer.window)),
    }
    if layer.has_weights:
        _, width, channels = layer.in_shape
        conv = layer.kind == "conv"
        row |= {
            "dense": not conv,
            "weight_base": placed.weight_base,
            "rows": layer.rows,
            "row_y": 0 if conv else width * channels,
            "row_x": 0 if conv else channels,
            "row_c": layer.kernel**2 if conv else 1,
            "kernel": layer.kernel,
            "padding": layer.padding,
            "stride": int(math.log2(layer.stride)),
            "shift": settings.update_shift(layer, formats, halvings),
            "decay": settings.momentum_shift,
            "hash_id": layer.hash_id,
        }
    return row


def program(layout: Layout, settings: Settings | None = None) -> list[Values]:
    """Return the instructions of one interval: block by block, all steps at once.

    Parameters
    ----------
    layout : Layout
        The network in its place.
    settings : Settings, optional
        Names the layers that do not learn; by default all do.

    Raises
    ------
    golden.layout.DoesNotFitError
        The program is longer than the core's program memory.
    """
    settings = settings or Settings()
    code: list[Values] = []
    for position, block in enumerate(layout.network.blocks):
        _forward(code, block)
        report = LossFlag.REPORT if position == len(layout.network.blocks) - 1 else 0
        _emit(code, Op.LOSS, layer=block.classifier, argument=report)
        _backward(code, block, settings)
        for layer in reversed(block.all_layers):
            if settings.learns(layer):
                _emit(code, Op.UPDATE, When.LEARN | When.UPDATE, layer)
    _emit(code, Op.END)
    has = layout.config.instructions
    if len(code) > has:
        raise DoesNotFitError(f"program needs {len(code)} instructions, the core has {has}")
    return code


def _emit(
    code: list[Values],
    op: Op,
    when: When = When.ALWAYS,
    layer: Layer | None = None,
    other: int = 0,
    argument: int = 0,
) -> None:
    row = 0 if layer is None else layer.index + 1
    code.append({"op": op, "when": when, "layer": row, "other": other, "argument": int(argument)})


def _forward(code: list[Values], block: Block) -> None:
    for layer in block.all_layers:
        _emit(code, Op.CLEAR, When.START, layer)
    _emit(code, Op.FIRST)
    top = len(code)
    for layer in block.all_layers:
        op = Op.POOL if layer.kind == "pool" else Op.FORWARD
        _emit(code, op, layer=layer, other=layer.source + 1)
        flags = LifFlag.COUNT if layer is block.classifier else LifFlag.SPIKES
        _emit(code, Op.LIF, layer=layer, argument=flags | LifFlag.MASKS)
    _emit(code, Op.NEXT, argument=top)


def _backward(code: list[Values], block: Block, settings: Settings) -> None:
    learn = When.LEARN
    _emit(code, Op.LAST, learn)
    top = len(code)
    layers = block.all_layers
    for position in range(len(layers) - 1, -1, -1):
        layer = layers[position]
        above = layers[position + 1] if position + 1 < len(layers) else None
        flags, other = ErrorFlag(0), 0
        if layer is block.classifier:
            flags |= ErrorFlag.LOSS
        if layer.kind == "pool":
            flags |= ErrorFlag.COPY
        if above is not None and above.kind == "pool":
            flags, other = flags | ErrorFlag.POOLED, above.index + 1
        _emit(code, Op.ERROR, learn, layer, other, flags)
        if settings.learns(layer):
            _emit(code, Op.GRADIENT, learn, layer, layer.source + 1)
        if layer.has_weights and position > 0:
            _emit(code, Op.BACKWARD, learn, layer, layer.source + 1)
    _emit(code, Op.PREVIOUS, learn, argument=top)


def job(
    settings: Settings,
    classes: int,
    *,
    run: int,
    steps: int,
    label: int,
    start: bool,
    learn: bool,
    update: bool,
    update_number: int,
) -> Values:
    """Return the header of one interval of `steps` steps."""
    loss, loss_shift = settings.loss_scale(steps, classes)
    return {
        "run": run,
        "start": start,
        "learn": learn,
        "update": update,
        "steps": steps,
        "label": label,
        "loss": loss,
        "loss_shift": loss_shift,
        "update_number": update_number,
    }
