"""The report of a study: tables, picture, and the network to go on with."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path

from host.checkpoint import write_whole
from host.explore import picture, table
from host.explore.results import Candidate, Results
from host.explore.space import network_of

MARKDOWN, CSV, PICTURE = "report.md", "trials.csv", "pareto.png"
MEASURED, NETWORK = "measured.csv", "network.json"
"""Files of a report."""


@dataclass(frozen=True)
class Report:
    """What was written.

    Attributes
    ----------
    files : tuple of Path
    chosen : Candidate
        What goes on.
    command : str
        Trains it on the board.
    """

    files: tuple[Path, ...]
    chosen: Candidate
    command: str


def write(found: Results, folder: Path, pick: str = "accuracy") -> Report:
    """Write the report of a study into a folder.

    Parameters
    ----------
    pick : str
        See `Results.pick`.

    Raises
    ------
    ExploreError
        Nothing was trained, or there is no such trial to pick.
    """
    chosen = found.pick(pick)
    folder.mkdir(parents=True, exist_ok=True)
    network = network_of(found.network, chosen.point)
    command = board_command(found, chosen, folder / NETWORK)
    text = table.to_markdown(found) + (
        f"## To go on with\n\nk = {chosen.point.k}, n = {chosen.point.n}, "
        f"{chosen.point.classifier} classifiers: `{NETWORK}`\n\n    {command}\n\n"
        f"![Accuracy against cost]({PICTURE})\n"
    )
    texts = {
        MARKDOWN: text,
        CSV: table.to_csv(found),
        NETWORK: json.dumps(network.to_dict(), indent=1) + "\n",
    }
    measured = table.measured(found)
    if measured is not None:
        texts[MEASURED] = measured
    for name, content in texts.items():
        data = content.encode()
        write_whole(folder / name, lambda file, data=data: file.write(data))  # type: ignore[misc]
    picture.draw(folder / PICTURE, found)
    return Report(tuple(folder / name for name in (*texts, PICTURE)), chosen, command)


def board_command(found: Results, chosen: Candidate, network: Path) -> str:
    """Return the command that trains a candidate on the simulated board."""
    data = found.settings["data"]
    window = data["window_us"]
    given = {
        "dataset": data["name"],
        "steps": data["windows"],
        "window-ms": None if window is None else f"{window / 1000:g}",
        "size": data["size"],
        "downsample": data["downsample"],
        "data-seed": data["seed"] or None,
        "network": network,
        "k": chosen.point.k,
        "n": chosen.point.n,
        "lanes": found.settings["lanes"],
    }
    words = ["python", "host/train_on_board.py"]
    for name, value in given.items():
        if value is not None:
            words += [f"--{name}", str(value)]
    return shlex.join(words)
