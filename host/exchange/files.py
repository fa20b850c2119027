"""NIR files read and written by the package `nir`, and a graph's nodes in their order."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

Node = Any
"""A node of the package `nir`, which has no types: told apart by the name of its class."""


class ExchangeError(ValueError):
    """A graph or file cannot be exchanged.

    Attributes
    ----------
    node : str
        Name of the node at fault, or empty.
    """

    def __init__(self, text: str, node: str = "") -> None:
        super().__init__(f"node {node}: {text}" if node else text)
        self.node = node


def kind(node: Node) -> str:
    """Return the name of a node's class, such as ``Conv2d``."""
    return type(node).__name__


def library() -> Any:
    """Return the package `nir`.

    Raises
    ------
    ExchangeError
        It is not installed.
    """
    try:
        import nir
    except ModuleNotFoundError as error:
        raise ExchangeError(
            f"{error.name} is not installed, NIR files need it: pip install 'tlbptt[exchange]'"
        ) from error
    return nir


def read(path: Path) -> Node:
    """Read a NIR file.

    Types are not checked by the package: some frameworks write neurons without shapes, and shapes
    are followed by `host.exchange.stages` anyway.

    Raises
    ------
    ExchangeError
        The file is missing, no NIR file, or damaged.
    """
    nir = library()
    if not path.is_file():
        raise ExchangeError(f"NIR file {path} does not exist")
    try:
        return nir.read(path, type_check=False)
    except Exception as error:  # the package and h5py raise many kinds, AssertionError too
        raise ExchangeError(f"NIR file {path} cannot be read: {error!r}") from error


def write(path: Path, graph: Node) -> None:
    """Write a NIR file under a name of its own, then give it the name `path`.

    Raises
    ------
    ExchangeError
        There is a file of that name.
    """
    nir = library()
    if path.exists():
        raise ExchangeError(f"{path} exists already: choose another name")
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        nir.write(name, graph)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def chain(graph: Node) -> list[tuple[str, Node]]:
    """Return names and nodes of a graph without branches, from its Input to its Output.

    Raises
    ------
    ExchangeError
        The graph branches, is recurrent, or holds nodes off the way; the message names the node.
    """
    nodes: dict[str, Node] = graph.nodes
    edges = sorted({(str(a), str(b)) for a, b in graph.edges})
    for name, node in nodes.items():
        if kind(node) == "NIRGraph":
            raise ExchangeError(
                "a graph inside the graph (in most cases recurrent neurons) cannot be mapped: "
                "only feed-forward layers can",
                name,
            )
    for end in {name for edge in edges for name in edge} - set(nodes):
        raise ExchangeError(f"an edge names node {end}, which does not exist")
    after: dict[str, list[str]] = {name: [] for name in nodes}
    before: dict[str, list[str]] = {name: [] for name in nodes}
    for a, b in edges:
        after[a].append(b)
        before[b].append(a)
    for a, b in edges:
        if a in _reached(b, after):
            raise ExchangeError(
                f"its connection to {b} is recurrent: only feed-forward layers can be mapped", a
            )
    for wanted in ("Input", "Output"):
        found = [name for name, node in nodes.items() if kind(node) == wanted]
        if len(found) != 1:
            raise ExchangeError(
                f"the graph must have one {wanted} node, not {len(found)} ({', '.join(found)})"
            )
    name = next(name for name, node in nodes.items() if kind(node) == "Input")
    order = [name]
    while after[name] or kind(nodes[name]) != "Output":
        if len(after[name]) != 1:
            text = f"leads to {', '.join(after[name])}" if after[name] else "leads nowhere"
            raise ExchangeError(f"it must lead to one node, but {text}", name)
        name = after[name][0]
        if len(before[name]) != 1:
            raise ExchangeError(
                f"it must have one input, not those of {', '.join(before[name])}: branches cannot "
                "be mapped",
                name,
            )
        order.append(name)
    for name in nodes:
        if name not in order:
            raise ExchangeError("it is not on the way from Input to Output", name)
    return [(name, nodes[name]) for name in order]


def _reached(start: str, after: dict[str, list[str]]) -> set[str]:
    """Return every node that `start` leads to, itself included."""
    found, waiting = {start}, [start]
    while waiting:
        new = set(after[waiting.pop()]) - found
        found |= new
        waiting += new
    return found
