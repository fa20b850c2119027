"""What is kept of a run: one JSON file with everything that could make two results differ."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from golden.formats import Formats
from golden.network import Network
from golden.settings import Settings
from host import presets
from host.checkpoint import write_whole
from host.study.grid import Amount, Run
from host.study.recordings import Recordings

Record = dict[str, Any]
"""``run``, ``common`` (equal for all runs on a data set), ``own`` and ``result``."""

VERSION = 1
"""Of the record's form and of the rules that make a run's settings."""

INITIAL_RECORDINGS = 20
"""Training recordings on which the first weights are scaled."""


class StudyError(ValueError):
    """Results are damaged or do not belong together; the message says which and what to do."""


def network(run: Run, data: Recordings) -> Network:
    """Return the run's network: that of the data set's preset, cut into blocks of n layers."""
    base = presets.network(presets.PRESETS[run.data].network, data.shape, data.classes)
    return replace(base, block_length=run.n, classifier=run.classifier)


def settings(run: Run, data: Recordings) -> Settings:
    """Return the run's settings by the rules that hold for all of a study.

    Each layer keeps the preset's halvings of its rate, by name, and momentum is the preset's. f_e
    follows `presets.error_fraction`, the rate `presets.rate_shift`.
    """
    preset = presets.PRESETS[run.data]
    shifts = {
        layer.name: shift
        for layer, shift in zip(
            network(replace(run, n=1), data).weighted, preset.settings.layer_shifts, strict=True
        )
    }
    return replace(
        preset.settings,
        interval=run.k,
        rate_shift=presets.rate_shift(preset.settings, run.k),
        error_fraction=presets.error_fraction(preset.settings, data.steps, run.k),
        layer_shifts=tuple(shifts[layer.name] for layer in network(run, data).weighted),
        seed=run.seed,
        decay_to_zero=run.model == "to-zero",
    )


def describe(run: Run, amount: Amount, data: Recordings) -> Record:
    """Return a run's record without its result."""
    net, cut = _network_parts(network(run, data))
    own = {**asdict(settings(run, data)), **cut}
    common = {
        "version": VERSION,
        "data": data.name,
        "steps": data.steps,
        "window_us": data.window_us,
        "training recordings": len(data.train),
        "test recordings": data.tested,
        "held out": len(data.held_out),
        "epochs": amount.epochs,
        "halve_every": amount.halve_every,
        "initial recordings": INITIAL_RECORDINGS,
        "network": net,
        "formats": asdict(Formats()),
        "momentum_shift": own.pop("momentum_shift"),
        "frozen": own.pop("frozen"),
    }
    record: Record = json.loads(json.dumps({"run": asdict(run), "common": common, "own": own}))
    return record


def _network_parts(net: Network) -> tuple[Record, Record]:
    """Return a network's description without what differs between cells, and that."""
    described = net.to_dict()
    return described, {name: described.pop(name) for name in ("block_length", "classifier")}


def network_text(description: Record) -> str:
    """Return the network of a record's common part in one line."""
    return f"`{description['name']}`: {presets.describe(Network.from_dict(description))}"


def write(folder: Path, record: Record) -> None:
    """Write a run's record as a whole."""
    text = json.dumps(record, indent=1) + "\n"
    path = folder / f"{Run(**record['run']).name}.json"
    write_whole(path, lambda file: file.write(text.encode()))


def read(path: Path) -> Record:
    """Read a run's record.

    Raises
    ------
    StudyError
        The file is no result of a study.
    """
    try:
        record: Record = json.loads(path.read_text(encoding="utf-8"))
        if Run(**record["run"]).name != path.stem:
            raise ValueError(f"it holds the run {Run(**record['run']).name}")
        if record["common"]["version"] != VERSION:
            raise ValueError(f"its version is {record['common']['version']}, not {VERSION}")
        if not record["result"]["test"]:
            raise ValueError("it holds no test accuracy")
        _complete(record["common"], record["own"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StudyError(
            f"{path} is no result of a study ({error}): delete it, or name another folder"
        ) from error
    return record


def _complete(common: Record, own: Record) -> None:
    """Give a record the defaults of settings that came after it was written."""
    network, _ = _network_parts(Network.from_dict(common["network"]))
    later: dict[str, Any] = {"network": network, "formats": asdict(Formats(**common["formats"]))}
    common.update(json.loads(json.dumps(later)))
    defaults = json.loads(json.dumps(asdict(Settings())))
    own.update({name: defaults[name] for name in defaults.keys() - common.keys() - own.keys()})


def read_folders(folders: Iterable[Path]) -> list[Record]:
    """Return the records of all folders, each run once.

    Raises
    ------
    StudyError
        There are none, settings or recordings differ between runs on one data set, or two records
        of one run disagree.
    """
    found: dict[str, tuple[Path, Record]] = {}
    first: dict[str, tuple[Path, Record]] = {}
    listed = list(folders)
    for folder in listed:
        if not folder.is_dir():
            raise StudyError(f"results folder {folder} does not exist")
        for path in sorted(folder.glob("*.json")):
            record = read(path)
            before, other = first.setdefault(record["run"]["data"], (path, record))
            refuse_difference(path, record["common"], before, other["common"])
            prints = [{"recordings": r["result"]["recordings"]} for r in (record, other)]
            refuse_difference(path, prints[0], before, prints[1])
            before, other = found.setdefault(path.stem, (path, record))
            refuse_difference(path, record["own"], before, other["own"])
            if record["result"]["test"] != other["result"]["test"]:
                raise StudyError(f"{path} and {before} are the same run with different results")
    if not found:
        raise StudyError(f"no results in {', '.join(map(str, listed))}: run a study first")
    return [record for _, record in found.values()]


def refuse_difference(
    path: Path | str, found: Record, other: Path | str, wanted: Record, remedy: str = ""
) -> None:
    """Raise StudyError that names the first setting in which two records differ."""
    for name, here, there in _differences(found, wanted):
        raise StudyError(
            f"{name} is {here} in {path}, but {there} in {other}: results of different settings "
            f"must not be mixed; {remedy or 'report on their folders apart'}"
        )


def _differences(found: Any, wanted: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in sorted(found.keys() | wanted.keys()):
            inner = f"{name}.{key}" if name else key
            yield from _differences(found.get(key), wanted.get(key), inner)
    elif found != wanted:
        yield name, found, wanted
