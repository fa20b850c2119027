"""Turn a placed network and its settings into a layer table, a program and job headers."""

from __future__ import annotations

import math
from collections.abc import Mapping

from golden.layout import DoesNotFitError, LayerLayout, Layout
from golden.network import Layer
from golden.schedule import schedule
from golden.settings import Settings
from host.protocol.program import ErrorFlag, LifFlag, LossFlag, Op, When

Values = dict[str, int]
"""Field values of one record."""

FLAGS = {Op.LIF: LifFlag, Op.ERROR: ErrorFlag, Op.LOSS: LossFlag}
"""Flags of the operations that have some."""


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
    own = [_row(placed, layout, settings, halvings) for placed in layout.layers]
    for placed, row in zip(layout.layers, own, strict=True):
        if placed.layer.random:
            row |= {"random": 1, "scale": (scales or {}).get(placed.layer.hash_id, 0)}
    rows = [first, *own]
    formats = layout.config.formats
    for _, layer in _corrected(layout, settings):
        codes = settings.inference_codes(layer.lif.codes(formats, layer.pool_area))
        rows.append({**rows[layer.index + 1], "u_th": codes.u_th, "theta": codes.theta})
    if len(rows) > layout.config.layers:
        raise DoesNotFitError(
            f"the layer table needs {len(rows)} rows, the core has {layout.config.layers}"
        )
    return rows


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
        "drive_base": placed.drive_base,
        "drop": settings.dropout_code if settings.drops(layer) else 0,
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
            "to_zero": settings.decay_to_zero,
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
        Says which layers learn and drop spikes; the defaults by default.

    Raises
    ------
    golden.layout.DoesNotFitError
        The program is longer than the core's program memory.
    """
    settings = settings or Settings()
    network = layout.network
    corrected = {layer.index: row for row, layer in _corrected(layout, settings)}
    code: list[Values] = []
    for block in schedule(network, settings):
        loop = 0
        for instruction in block:
            op, layer = Op[instruction.op], instruction.layer
            values = {
                "op": op,
                "when": sum(When[name] for name in instruction.when),
                "layer": 0 if layer is None else layer.index + 1,
                "other": instruction.passes or instruction.other + 1,
                "argument": sum(FLAGS[op][name] for name in instruction.flags)
                if op in FLAGS
                else 0,
            }
            if layer is not None and instruction.corrected:
                values["layer"] = corrected[layer.index]
            code.append(values)
            if op in (Op.FIRST, Op.LAST):
                loop = len(code)
            elif op in (Op.NEXT, Op.PREVIOUS):
                values["argument"] = loop
    code.append(dict.fromkeys(("op", "when", "layer", "other", "argument"), 0) | {"op": Op.END})
    has = layout.config.instructions
    if len(code) > has:
        raise DoesNotFitError(f"program needs {len(code)} instructions, the core has {has}")
    return code


def row_layers(layout: Layout, settings: Settings) -> list[Layer | None]:
    """Return the layer of every row of the layer table; None for the input frame."""
    extra = [layer for _, layer in _corrected(layout, settings)]
    return [None, *layout.network.resolved, *extra]


def _corrected(layout: Layout, settings: Settings) -> list[tuple[int, Layer]]:
    """Return the layers with constants of their own for inference, and their further rows."""
    network = layout.network
    layers = [layer for layer in network.resolved if settings.corrects(layer, network)]
    return list(enumerate(layers, len(network.resolved) + 1))


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
    trained_intervals: int,
    frames: int | None = None,
) -> Values:
    """Return the header of one interval of `steps` steps, for which `frames` frames are sent."""
    loss, loss_shift = settings.loss_scale(steps, classes)
    return {
        "run": run,
        "start": start,
        "learn": learn,
        "update": update,
        "slot": run & 1,
        "frames": steps if frames is None else frames,
        "steps": steps,
        "label": label,
        "loss": loss,
        "loss_shift": loss_shift,
        "trained_intervals": trained_intervals,
    }
