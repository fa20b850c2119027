"""What a NIR file of ours says beyond NIR: network, formats and settings, as metadata."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from golden.formats import Formats
from golden.network import Network
from golden.settings import Settings
from host.exchange.files import ExchangeError, Node

KEY = "tlbptt"
"""Name of the entry in the graph's metadata."""

VERSION = 1
"""Of the entry's layout."""


@dataclass(frozen=True)
class Description:
    """The entry.

    Attributes
    ----------
    local_classifiers : bool
        Whether those below the last block are branches of the graph.
    """

    network: Network
    formats: Formats
    settings: Settings
    local_classifiers: bool

    def metadata(self) -> dict[str, str]:
        """Return the metadata of a graph."""
        entry = {
            "version": VERSION,
            "network": self.network.to_dict(),
            "formats": asdict(self.formats),
            "settings": asdict(self.settings),
            "local_classifiers": self.local_classifiers,
        }
        return {KEY: json.dumps(entry), "reset_mechanism": "subtract"}

    @property
    def complete(self) -> bool:
        """Whether the graph holds the weights of every layer."""
        return self.local_classifiers or len(self.network.blocks) == 1


def description(graph: Node) -> Description | None:
    """Return what a graph says about itself; None where another program wrote it.

    Raises
    ------
    ExchangeError
        The entry is damaged.
    """
    text: Any = (graph.metadata or {}).get(KEY)
    if text is None:
        return None
    try:
        entry = json.loads(text)
        if entry["version"] != VERSION:
            raise ValueError(f"version must be {VERSION}, not {entry['version']!r}")
        found = Description(
            Network.from_dict(entry["network"]),
            Formats(**entry["formats"]),
            Settings(**entry["settings"]),
            bool(entry["local_classifiers"]),
        )
        found.settings.check(found.network, found.formats)
    except (KeyError, TypeError, ValueError) as error:
        raise ExchangeError(f"metadata {KEY!r} is damaged: {error}") from error
    return found


def classifier_nodes(name: str) -> tuple[str, str, str, str]:
    """Return the names of a local classifier's nodes: flatten, weights, neurons, output."""
    return (f"{name}_flatten", name, f"{name}_lif", f"{name}_output")
