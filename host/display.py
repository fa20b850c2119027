"""What the user sees of a run, a bar with an estimate of time, and Ctrl-C that waits."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from tqdm import tqdm


class Display:
    """A progress bar on stderr and lines above it on stdout."""

    def __init__(self) -> None:
        self._bar: tqdm | None = None

    @contextmanager
    def shown(self, work: int) -> Iterator[None]:
        """Show the bar for this much work; seldom drawn where stderr is a file."""
        with tqdm(
            total=max(work, 1),
            smoothing=0.05,
            mininterval=0.2 if sys.stderr.isatty() else 30.0,
            bar_format="{percentage:3.0f} % |{bar:20}| {elapsed} < {remaining}  {desc}",
            leave=False,
        ) as self._bar:
            yield
        self._bar = None

    def advance(self, work: int, text: str) -> None:
        """Note that `work` is done, `text` says on what."""
        if self._bar is not None:
            self._bar.set_description_str(text, refresh=False)
            self._bar.update(work)

    @staticmethod
    def say(text: str) -> None:
        """Print a line."""
        tqdm.write(text, file=sys.stdout)


@contextmanager
def interruptible(on_stop: Callable[[], None]) -> Iterator[None]:
    """Call `on_stop` at the first Ctrl-C; a second one ends the program as usual."""
    try:
        before = signal.getsignal(signal.SIGINT)

        def on_signal(number: int, frame: FrameType | None) -> None:
            signal.signal(signal.SIGINT, before)
            on_stop()

        signal.signal(signal.SIGINT, on_signal)
    except ValueError:  # not the main thread: whoever runs it handles signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
