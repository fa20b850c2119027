"""Tables of a study: Markdown for people, CSV of all trials, and lines for `host.cost_figures`."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from golden.cost import tables
from golden.cost.paper import QUANTITIES as PAPER_QUANTITIES
from golden.cost.workloads import WORKLOADS, Workload
from golden.network import Network
from host import presets
from host.cost_figures.measured import COLUMNS as MEASURED_COLUMNS
from host.explore.costs import QUANTITIES
from host.explore.results import Candidate, Results, varied
from host.explore.space import AXES, short

COLUMNS = (
    "trial", *AXES, "outcome", "accuracy", "test_accuracy", *QUANTITIES, "figure_of_merit", "fits",
    "pareto", "seconds", "reason",
)  # fmt: skip
"""Of the CSV; accuracies are those after the last epoch, 0 to 1."""


def to_csv(found: Results) -> str:
    """Return a line per trial, the most accurate first, those without accuracy last."""
    by_number = {r.number: c for c in found.candidates for r in c.results}
    front = {candidate.point for candidate in found.front}
    order = sorted(found.results, key=lambda r: (r.accuracy is None, -(r.accuracy or 0), r.number))
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for result in order:
        line: dict[str, Any] = {"trial": result.number, **asdict(result.point)}
        line |= {name: getattr(result, name) for name in ("outcome", "seconds")}
        line |= {name: getattr(result, name) for name in ("accuracy", "test_accuracy")}
        line["reason"] = result.reason
        if result.costs is not None:
            line |= {name: round(x, 3) for name, x in result.costs.quantities.items()}
            line["fits"] = int(not result.costs.obstacles)
            line["reason"] = result.reason or "; ".join(result.costs.obstacles)
        candidate = by_number.get(result.number)
        if candidate is not None:
            line["figure_of_merit"] = round(found.merit(candidate), 6)
            line["pareto"] = int(candidate.point in front)
        writer.writerow(line)
    return text.getvalue()


def to_markdown(found: Results) -> str:
    """Return what was done, the candidates, and the points without an accuracy."""
    lines = [f"# Study {found.name}", "", *_about(found), ""]
    if found.candidates:
        lines += [*_candidates(found), "", *_notes(found), ""]
    without = [r for r in found.results if r.accuracy is None]
    if without:
        lines += ["## Points without an accuracy", ""]
        extra = varied(found.results)
        rows = []
        for r in without:
            point = [short(getattr(r.point, name)) for name in ("k", "n", *extra)]
            rows.append([str(r.number), *point, r.outcome, r.reason])
        lines += [tables.table(["trial", "k", "n", *extra, "outcome", "reason"], rows), ""]
    return "\n".join(lines)


def _about(found: Results) -> list[str]:
    settings, recordings, plan = (found.settings, *map(found.settings.get, ("recordings", "plan")))
    assert recordings is not None
    assert plan is not None
    held = plan["validation"]
    tested = (
        f"Accuracy is on {held:,} training recordings that no trial trains on; the "
        f"{recordings['test']:,} test recordings are for information."
        if held
        else f"Accuracy is on the {recordings['test']:,} test recordings (`--validation 0`): the "
        "best of many points is too favourable there by chance."
    )
    how = [f"{name} {plan[name]}" for name in ("epochs", "batch", "optimizer", "loss")]
    how += [f"{name} {plan[name]}" for name in ("halve_every", "dropout") if plan[name]]
    trained = recordings["train"] - held
    return [
        f"{settings['data']['name']}: {trained:,} training recordings, T = {found.steps}. Network "
        f"`{found.network.name}`: {presets.describe(found.network)}. Float reference, "
        f"{', '.join(how)}.",
        "",
        tested,
    ]


def _candidates(found: Results) -> list[str]:
    extra = tuple(name for name in varied(found.results) if name != "seed")
    several = any(len(candidate.results) > 1 for candidate in found.candidates)
    quantities = [name for name in ("cycles", "memory_bits") if _has(found, name)]
    header = [
        "Pareto", "k", "n", *extra, "accuracy [%]", "test [%]",
        *(QUANTITIES[name] for name in quantities),
        *(f"{name.replace('_', ' ')} [%]" for name in PAPER_QUANTITIES),
        "FoM", "fits", "trials",
    ]  # fmt: skip
    front = {candidate.point for candidate in found.front}
    rows = [
        [
            "✓" if candidate.point in front else "",
            *(short(getattr(candidate.point, name)) for name in ("k", "n", *extra)),
            _accuracy(candidate, several),
            f"{100 * candidate.test_accuracy:.2f}",
            *(tables.amount(candidate.costs.quantities.get(name)) for name in quantities),
            *(f"{100 * (candidate.costs.relative[name] - 1):+.1f}" for name in PAPER_QUANTITIES),
            f"{found.merit(candidate):.3f}",
            "no" if candidate.costs.obstacles else "yes",
            ", ".join(str(result.number) for result in candidate.results),
        ]
        for candidate in found.candidates
    ]
    return [tables.table(header, rows)]


def _has(found: Results, quantity: str) -> bool:
    return any(quantity in candidate.costs.quantities for candidate in found.candidates)


def _accuracy(candidate: Candidate, several: bool) -> str:
    mean = f"{100 * candidate.accuracy:.2f}"
    if not several:
        return mean
    return f"{mean} ({', '.join(f'{100 * each:.1f}' for each in candidate.accuracies)})"


def _notes(found: Results) -> list[str]:
    base = found.base
    against = (
        f"plain BP at k = T of this study (k = {base.point.k}, n = {base.point.n})"
        if base
        else "the best point, since the study has no plain BP at k = T: that shifts all alike"
    )
    lanes = found.settings["lanes"] or presets.core_config().lanes
    lines = [
        f"✓: no other point is as accurate for less: {QUANTITIES[found.cost]}. Percentages are "
        "the paper's accounting against plain BP at k = T, width 1; FoM is its Eq (18), less is "
        f"better, accuracy lost against {against}. Fits: the core of an Arty A7-100T, "
        f"P = {lanes}.",
    ]
    for candidate in found.candidates:
        if candidate.costs.obstacles:
            numbers = ", ".join(str(result.number) for result in candidate.results)
            lines += ["", f"Trial {numbers} does not fit: {'; '.join(candidate.costs.obstacles)}."]
    return lines


def workload(settings: Mapping[str, Any]) -> Workload | None:
    """Return the paper's workload that a study trains; None if it is another."""
    name = settings["data"]["name"].replace("-", "").lower()
    network = Network.from_dict(dict(settings["network"]))
    for work in WORKLOADS.values():
        base = work.build(1)
        same = all(
            getattr(base, field) == getattr(network, field)
            for field in ("layers", "input_shape", "classes", "encoding")
        )
        if (
            same
            and work.data.replace("-", "").lower() == name
            and work.steps == settings["recordings"]["steps"]
        ):
            return work
    return None


def measured(found: Results) -> str | None:
    """Return test accuracies as `host.cost_figures` reads them; None if they are not the paper's.

    Where a (k, n, classifier) was trained with several rates, those trials count that are best by
    the accuracy that the study chooses by.
    """
    work = workload(found.settings)
    if work is None:
        return None
    best: dict[tuple[Any, ...], Candidate] = {}
    for candidate in found.candidates:  # the most accurate first
        point = candidate.point
        if point.width == 1:
            best.setdefault((point.k, point.n, point.classifier), candidate)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(MEASURED_COLUMNS)
    rows: list[Sequence[Any]] = [
        (work.network, work.data, *cell, result.test_accuracy, "")
        for cell, candidate in sorted(best.items())
        for result in candidate.results
    ]
    writer.writerows(rows)
    return text.getvalue()
