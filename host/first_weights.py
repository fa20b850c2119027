"""First weights of a run from a file: of another run, or imported (`host.exchange`)."""

from __future__ import annotations

from pathlib import Path

from golden.formats import Formats
from golden.network import Network
from golden.qformat import Int
from host import checkpoint


def read(path: Path, network: Network, formats: Formats) -> list[Int]:
    """Return the weights that a checkpoint has for a network, layer by layer of the same name.

    Parameters
    ----------
    path : Path
        A run folder, or its ``weights.npz``.
    network : Network
        What they are for; block length and kind of classifiers may differ as long as there are the
        same layers.
    formats : Formats
        Of the board.

    Returns
    -------
    list of Int
        W codes in the order of `hash_id`.

    Raises
    ------
    ValueError
        The file is damaged, or its layers, shapes, neurons or weight format differ from what is
        wanted; the message names the file and the difference.
    """
    if path.is_dir():
        path = path / "weights.npz"
    state = checkpoint.load(path)
    found = {layer.name: layer for layer in state.network.weighted}
    wanted = {layer.name: layer for layer in network.weighted}
    missing = [name for name in wanted if name not in found]
    surplus = [name for name in found if name not in wanted]
    if missing or surplus:
        text = "; ".join(
            f"{what} {', '.join(names)}"
            for what, names in (("it lacks", missing), ("beyond them it has", surplus))
            if names
        )
        raise ValueError(
            f"weights file {path} must hold the network's layers {', '.join(wanted)}: {text} "
            "(another --network or --n?)"
        )
    for name, layer in wanted.items():
        if found[name].weight_shape != layer.weight_shape:
            raise ValueError(
                f"weights file {path}: {name} must have shape {layer.weight_shape}, "
                f"not {found[name].weight_shape}"
            )
        for field in ("in_shape", "out_shape", "kernel", "stride", "padding"):
            own, other = getattr(layer, field), getattr(found[name], field)
            if own != other:
                raise ValueError(
                    f"weights file {path}: {field} of {name} must be {own}, not {other}"
                )
    if state.network.lif != network.lif:
        raise ValueError(
            f"weights file {path} is for neurons {state.network.lif}, not {network.lif}: "
            "set lif in the network's JSON file"
        )
    if state.formats.weight_format != formats.weight_format:
        raise ValueError(
            f"weights file {path} has codes {state.formats.weight_format}, "
            f"the board {formats.weight_format}"
        )
    return [state.weights[found[name].hash_id] for name in wanted]
