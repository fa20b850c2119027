"""Which points are worth a look: none other is as accurate for less, or better for as little."""

from __future__ import annotations

from collections.abc import Sequence


def front(accuracies: Sequence[float], costs: Sequence[float]) -> list[int]:
    """Return the places of the Pareto-optimal points, the cheapest first.

    A point is left out if another is at least as accurate and costs no more, and is better in one
    of the two; equal points stay together.

    Parameters
    ----------
    accuracies, costs : sequence of float
        More is better; less is better.
    """
    order = sorted(range(len(costs)), key=lambda place: (costs[place], -accuracies[place]))
    kept: list[int] = []
    best = (0.0, 0.0)
    for place in order:
        here = (accuracies[place], costs[place])
        if not kept or here[0] > best[0] or here == best:
            kept.append(place)
            best = here
    return kept
