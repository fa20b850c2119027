"""The study's report: tables in a Markdown file, a CSV, a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from host.checkpoint import write_whole
from host.study import picture, table
from host.study.grid import Size, runs
from host.study.records import Record, StudyError, read_folders

BEGIN, END = "<!-- study: tables -->", "<!-- study: end -->"
"""What stands between these lines of a Markdown file is written by the report."""


def write(folders: Sequence[Path], markdown: Path, csv: Path, png: Path) -> list[Record]:
    """Gather results and write the report; return the records.

    In a Markdown file that is there already, only what stands between the lines `BEGIN` and `END`
    is replaced.

    Raises
    ------
    StudyError
        Results are missing or do not belong together, or the Markdown file has no such lines.
    """
    records = read_folders(folders)
    text = f"{BEGIN}\n\n{table.to_markdown(records)}\n{END}"
    if markdown.exists():
        before, begin, rest = markdown.read_text(encoding="utf-8").partition(BEGIN)
        _, end, after = rest.partition(END)
        if not begin or not end:
            raise StudyError(
                f"{markdown} must hold the lines {BEGIN} and {END}, between which the tables go: "
                "add them or name another file"
            )
        text = before + text + after
    else:
        text = f"# Study\n\n{text}\n"
    for path, content in ((markdown, text), (csv, table.to_csv(records))):
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode()
        write_whole(path, lambda file, data=data: file.write(data))  # type: ignore[misc]
    png.parent.mkdir(parents=True, exist_ok=True)
    picture.draw(png, records)
    return records


def missing(records: Sequence[Record], size: Size, data_sets: Sequence[str]) -> list[str]:
    """Return the names of a study's runs that the records lack."""
    there = {tuple(record["run"].values()) for record in records}
    return [run.name for run in runs(size, data_sets) if tuple(vars(run).values()) not in there]
