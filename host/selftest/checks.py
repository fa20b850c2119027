"""What a self-test found: a list of checks, as a table and as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

OK, FAILED, SKIPPED = "ok", "FAILED", "skipped"
"""Results of a check; one that is skipped does not count."""


@dataclass(frozen=True)
class Check:
    """One line of the report.

    Attributes
    ----------
    part : str
        ``link``, ``memory`` or ``training``.
    name : str
        What was looked at.
    result : str
        `OK`, `FAILED` or `SKIPPED`.
    text : str
        What was found.
    figures : dict
        The same in numbers.
    """

    part: str
    name: str
    result: str
    text: str
    figures: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.result not in (OK, FAILED, SKIPPED):
            raise ValueError(f"result must be {OK}, {FAILED} or {SKIPPED}, not {self.result!r}")


def passed(checks: Sequence[Check]) -> bool:
    """Return whether something was checked and nothing failed."""
    results = [check.result for check in checks]
    return OK in results and FAILED not in results


def table(checks: Sequence[Check]) -> str:
    """Return the checks as a table and the verdict below it."""
    width = max((len(check.name) for check in checks), default=0)
    out = [f"{c.part:<9}{c.name:<{width}}  {c.result:<8} {c.text}" for c in checks]
    count = sum(check.result == FAILED for check in checks)
    if count:
        verdict = f"FAILED: {count} of {len(checks)} checks"
    else:
        verdict = "passed" if passed(checks) else "FAILED: nothing was checked"
    return "\n".join([*out, verdict])


def plain(checks: Sequence[Check], **about: Any) -> dict[str, Any]:
    """Return plain data for JSON: what is known about the board, the verdict, the checks."""
    return {**about, "passed": passed(checks), "checks": [asdict(check) for check in checks]}
