"""Weights of the float reference as the accelerator's codes, to go on from on a board."""

from __future__ import annotations

import json

import numpy as np

from golden import random_weights
from golden.formats import Formats
from golden.network import require_integer_model
from golden.qformat import Int
from golden.reference.model import ReferenceModel
from golden.settings import Settings
from host import checkpoint
from host.checkpoint import Checkpoint, write_whole
from host.exchange.losses import losses, table
from host.reference.folder import ReferenceFolder
from host.reference.plan import ReferencePlan


def quantised(model: ReferenceModel, formats: Formats, seed: int) -> list[Int]:
    """Return the weights as codes in the order of `hash_id`.

    Random classifiers, which the hardware generates from a seed, get the scale whose multiples of
    the pattern are nearest.

    Parameters
    ----------
    model : ReferenceModel
    formats : Formats
    seed : int
        Of the patterns (`golden.reference.initialise`).
    """
    codes = []
    for layer, weight in zip(model.network.weighted, model.read_weights(), strict=True):
        if layer.random:
            pattern = random_weights.pattern(seed, layer)
            unit = float((weight * pattern).sum() / (pattern**2).sum())
            codes.append(pattern * max(1, round(unit / formats.weight_format.lsb)))
        else:
            codes.append(formats.weight_format.quantize(np.asarray(weight, np.float64)))
    return codes


def write(folder: ReferenceFolder, model: ReferenceModel, plan: ReferencePlan) -> list[str]:
    """Write ``network.json`` and ``weights.npz``, which ``train_on_board.py`` takes.

    Returns
    -------
    list of str
        What was lost, as lines of text.

    Raises
    ------
    ValueError
        The accelerator cannot run such a network; the message names the layer.
    """
    network, formats = model.network, Formats()
    require_integer_model(network)
    codes = quantised(model, formats, plan.seed)
    settings = Settings(interval=min(plan.interval, Settings.BOUNDS["interval"][1]), seed=plan.seed)
    text = json.dumps(network.to_dict(), indent=2) + "\n"
    write_whole(folder.network, lambda file: file.write(text.encode()))
    momentum = [code * 0 for code in codes]
    checkpoint.save(folder.codes, Checkpoint(network, formats, settings, codes, momentum))
    return table(losses(network, formats, model.read_weights(), codes), network, formats)
