"""All runs of a study over a pool of processes, going on where an earlier call stopped."""

from __future__ import annotations

import multiprocessing
import queue
from collections.abc import Sequence
from multiprocessing.pool import AsyncResult
from pathlib import Path
from typing import Any

from host.bench.one_thread import pool
from host.display import Display
from host.study import recordings, records, training
from host.study.grid import Run, Size
from host.study.records import StudyError
from host.study.training import Job

POLL_SECONDS = 0.5
"""How often finished runs are looked for [s]."""


def todo(folder: Path, runs: Sequence[Run], size: Size, data_dir: str | None) -> list[Run]:
    """Return the runs whose results are not there.

    Raises
    ------
    StudyError
        A result that is there is damaged, or is of other settings.
    host.datasets.DataSetError
        Recordings are missing.
    """
    opened = {
        name: recordings.load(name, size.amounts[name], data_dir)
        for name in dict.fromkeys(run.data for run in runs)
    }
    wanted = {run.name: run for run in runs}
    for path in sorted(folder.glob("*.json")):  # of other machines too: all must belong together
        record = records.read(path)
        run = wanted.get(path.stem, Run(**record["run"]))
        if run.data in opened:
            expected = records.describe(run, size.amounts[run.data], opened[run.data])
            for name in ("common", "own"):
                records.refuse_difference(
                    path, record[name], "this study", expected[name],
                    "delete it, or name another folder by --results",
                )  # fmt: skip
            wanted.pop(path.stem, None)
    return [run for run in runs if run.name in wanted]


def carry_out(
    folder: Path, runs: Sequence[Run], size: Size, workers: int, data_dir: str | None
) -> int:
    """Do the runs that are not there yet, longest first; return how many were done.

    Raises
    ------
    StudyError
        A result that is there does not belong to this study, or runs failed: all others are done
        then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    left = todo(folder, runs, size, data_dir)
    display = Display()
    done = len(runs) - len(left)
    display.say(f"{len(runs)} runs, {done} of them there already in {folder}")
    if not left:
        return 0
    jobs = [Job(run, size.amounts[run.data], data_dir, folder) for run in left]
    progress: Any = multiprocessing.get_context("spawn").Queue()
    whole = sum(job.run.work(job.amount) for job in jobs)
    failed: list[str] = []
    workers = min(workers, len(jobs))
    with display.shown(round(whole)), pool(workers, training.connect, (progress,)) as processes:
        pending: dict[str, AsyncResult[records.Record]] = {
            job.run.name: processes.apply_async(training.work, (job,)) for job in jobs
        }
        while pending:
            try:
                advanced, text = progress.get(timeout=POLL_SECONDS)
                display.advance(round(advanced), text)
            except queue.Empty:
                pass
            for name in [name for name, result in pending.items() if result.ready()]:
                try:
                    result = pending.pop(name).get()["result"]
                except Exception as error:
                    failed.append(f"{name}: {error or type(error).__name__}")
                    display.say(failed[-1])
                    continue
                done += 1
                display.say(
                    f"{done:3}/{len(runs)} {name}: test {result['test'][-1]:.1%}, "
                    f"{result['seconds']:.0f} s"
                )
    if failed:
        raise StudyError(f"{len(failed)} of {len(jobs)} runs failed: {'; '.join(failed)}")
    return len(jobs)
