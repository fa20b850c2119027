"""The workers of one machine: in this process or in several, with one progress bar."""

from __future__ import annotations

import multiprocessing
import os
import queue as queues
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any

from host.bench.one_thread import THREAD_VARIABLES
from host.display import Display
from host.explore import store
from host.explore.job import Job
from host.explore.space import ExploreError
from host.explore.trial import Message
from host.explore.worker import work

UNITS = 1000
"""Steps of the bar per trial."""

POLL_SECONDS = 0.5
"""How often workers are looked at [s]."""

OTHERS_SECONDS = 20.0
"""How often trials of other machines are looked for [s]."""


class Progress:
    """The bar over all trials of a study, with those of other machines.

    Parameters
    ----------
    display : Display
    total : int
        Trials of the study.
    finished : callable
        Counts the trials that are finished, on all machines.
    """

    def __init__(self, display: Display, total: int, finished: Callable[[], int]) -> None:
        self._display, self._total, self._count = display, total, finished
        self._finished = finished()
        self._counted = time.monotonic()
        self._place = 0
        self._shares: dict[str, float] = {}
        self.failed: list[str] = []

    def report(self, message: Message) -> None:
        """Show what a worker says."""
        self._shares[message.name] = message.share
        text = f"{message.name}, {message.share:.0%} of its epochs"
        if message.line:
            del self._shares[message.name]
            self.look()
            self._display.say(f"{self._finished:3}/{self._total} {message.line}")
            if message.error:
                self.failed.append(message.line)
        elif time.monotonic() - self._counted > OTHERS_SECONDS:
            self.look()
        place = round(UNITS * (self._finished + sum(self._shares.values())))
        self._display.advance(max(0, place - self._place), text)
        self._place = max(place, self._place)

    def look(self) -> None:
        """Count the finished trials anew."""
        self._finished = self._count()
        self._counted = time.monotonic()


def carry_out(job: Job, workers: int, recover_all: bool = False) -> list[str]:
    """Carry out the trials of a study that are left; return a line for each that failed.

    Parameters
    ----------
    workers : int
        Processes; one works in this process.
    recover_all : bool
        See `store.Queue.recover`.

    Raises
    ------
    ExploreError, host.study.records.StudyError
        The study cannot be gone on with like this.
    KeyboardInterrupt
        The user stopped it.
    """
    if workers < 1:
        raise ExploreError(f"--workers must be at least 1, not {workers}")
    queue = store.Queue(job, store.create(job))
    lost = queue.recover(recover_all)
    display = Display()
    found = queue.finished()
    display.say(
        f"study {job.name}: {job.total} trials, {found} of them finished, in {job.folder}"
        + (f"; {lost} that broke off are queued again" if lost else "")
    )
    with display.shown(UNITS * job.total):
        progress = Progress(display, job.total, queue.finished)
        if workers == 1:
            work(job, progress.report)
        else:
            _in_processes(job, workers, progress)
    left = queue.running()
    if left:
        display.say(
            f"{len(left)} trials are under way elsewhere ({', '.join(sorted(set(left)))}); if "
            "those workers are gone, --retry-running takes them over"
        )
    return progress.failed


def _in_processes(job: Job, workers: int, progress: Progress) -> None:
    context = multiprocessing.get_context("spawn")
    messages: Any = context.Queue()
    stop = context.Event()
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(job.threads or 1)))
    processes = [
        context.Process(target=_process, args=(job, messages, stop), daemon=True)
        for _ in range(workers)
    ]
    with _interrupts_ignored():  # a worker is told by its parent alone, once
        for process in processes:
            process.start()
    try:
        _listen(processes, messages, progress)
    except KeyboardInterrupt:
        Display.say("stopping after these batches (Ctrl-C again: at once)")
        stop.set()
        _interrupt(processes)
        try:
            _listen(processes, messages, progress)
        except KeyboardInterrupt:
            for process in processes:
                process.kill()
        raise KeyboardInterrupt from None
    progress.failed += died([process.exitcode for process in processes])


def died(statuses: Sequence[int | None]) -> list[str]:
    """Return what to say of workers that were killed, by their exit statuses."""
    bad = [str(status) for status in statuses if status]
    if not bad:
        return []
    return [
        f"{len(bad)} workers ended with status {', '.join(bad)}; the same command queues their "
        "trials again"
    ]


def _listen(processes: Sequence[BaseProcess], messages: Any, progress: Progress) -> None:
    """Show messages until all processes have ended."""
    while True:
        alive = any(process.is_alive() for process in processes)
        try:
            while True:
                progress.report(messages.get(timeout=POLL_SECONDS if alive else 0.0))
        except queues.Empty:
            if not alive:
                return


def _interrupt(processes: Sequence[BaseProcess]) -> None:
    for process in processes:
        if process.is_alive() and process.pid is not None:
            os.kill(process.pid, signal.SIGINT)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not the main thread: whoever runs it handles signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _process(job: Job, messages: Any, stop: Any) -> None:
    """Work in a process of its own group, which Ctrl-C at a terminal does not reach."""
    os.setpgrp()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a scheduler tells the parent too
    parent = multiprocessing.parent_process()

    def ended() -> bool:
        return bool(stop.is_set()) or parent is None or not parent.is_alive()

    try:
        work(job, messages.put, ended)
    except KeyboardInterrupt:
        pass
    except Exception as error:  # before the first trial: a traceback would tear the bar
        line = f"a worker ended: {type(error).__name__}: {error}"
        messages.put(Message("", 0.0, line, error=True))
