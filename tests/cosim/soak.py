"""Generated networks on all virtual boards for as long as wanted: ``make soak MINUTES=60``.

Seed after seed, `EXAMPLES` networks each, run on every board of `CONFIGS` as
tests/cosim/test_random_networks.py has it; a seed that was begun is run to its end, so that the
range printed can be run again exactly. A difference does not stop the others: it is printed with
the command that repeats it (and looks for the smallest case with that difference, which may take
minutes), and the exit status is 1.
"""

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

from hw.virtual_board.build import ROOT, BuildError
from tests.cosim.boards import CONFIGS, library
from tests.cosim.tally import Tally

EXAMPLES = 10
"""Networks per seed: hypothesis draws the first ten afresh, and varies what it had from then on."""

TEST = "tests/cosim/test_random_networks.py"
STOPPED = 130
"""Exit status after Ctrl-C, as shells have it."""

TAIL = 20
"""Lines that are printed of a run that failed without an error of its own, such as a crash."""


def command(first, last, boards=(), examples=EXAMPLES):
    """Return the arguments that run the seeds `first` to `last`, on some boards or on all.

    A run is a process of its own: so it is what its command repeats, and a simulator that crashes
    ends itself alone.
    """
    tests = [TEST]
    if 0 < len(boards) < len(CONFIGS):
        tests = [f"{TEST}::test_board_equals_golden[seed{first}-{name}]" for name in boards]
    seeds = ["--seeds", str(first), str(last + 1), "--examples", str(examples)]
    return [os.path.relpath(sys.executable), "-m", "pytest", "-q", *tests, *seeds]


def run(seed, folder, examples):
    """Run a seed on all boards; return the names of boards that failed, and the output."""
    report = folder / f"{seed}.txt"
    options = ["--tally", str(folder / f"{seed}.jsonl"), "--no-shrink", "--tb=short"]
    with open(report, "w", encoding="utf-8") as file:
        done = subprocess.run(
            [sys.executable, *command(seed, seed, examples=examples)[1:], *options],
            cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, check=False,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
    text = report.read_text(encoding="utf-8", errors="replace")
    if done.returncode == 0:
        return [], text
    failed = [name for name in CONFIGS if f"[seed{seed}-{name}]" in text]
    return failed or list(CONFIGS), text  # a crash names no test


def summary(text):
    """Return the lines of a failed run that say what is wrong."""
    lines = text.splitlines()
    errors = [line[1:].strip() for line in lines if line.startswith("E  ") and "Error" in line]
    return errors or lines[-TAIL:]


def clock(seconds):
    """Return a time as hours, minutes and seconds."""
    return time.strftime("%H:%M:%S", time.gmtime(seconds))


class Soak:
    """Runs of seeds, side by side, until the time is over.

    Parameters
    ----------
    first : int
        First seed.
    seconds : float
        No seed begins later.
    jobs : int
        Processes.
    examples : int
        Networks per seed.
    """

    def __init__(self, first, seconds, jobs, examples=EXAMPLES):
        self.next, self.seconds, self.jobs, self.examples = first, seconds, jobs, examples
        self.tally, self.failures, self.done, self.running = Tally(), [], 0, {}

    def run(self, folder, runner=None):
        """Run seeds; files of each go to `folder`."""
        runner = runner or run
        begin = time.monotonic()
        first, running = self.next, self.running
        with ThreadPoolExecutor(self.jobs) as workers:
            while True:
                while len(running) < self.jobs and (
                    self.next == first or time.monotonic() - begin < self.seconds
                ):
                    task = workers.submit(runner, self.next, folder, self.examples)
                    running[task] = self.next
                    self.next += 1
                if not running:
                    return
                for task in wait(running, return_when=FIRST_COMPLETED).done:
                    self._finish(running[task], *task.result(), folder)
                    del running[task]
                    self._progress(time.monotonic() - begin)

    def _finish(self, seed, failed, text, folder):
        self.done += 1
        self.tally.read(folder / f"{seed}.jsonl")
        if failed:
            repeat = shlex.join(command(seed, seed, failed, self.examples))
            self.failures.append(repeat)
            print("\n".join(summary(text)))
            print(f"FAILED: seed {seed} on {', '.join(failed)}; repeat with\n  {repeat}")

    def _progress(self, spent):
        left = max(0.0, self.seconds - spent)
        rate = self.tally.runs / spent
        estimate = self.tally.runs + rate * left
        print(
            f"{clock(spent)}  seeds {self.done}, networks {len(self.tally.networks):,}, "
            f"runs {self.tally.runs:,}, failures {len(self.failures)}; "
            f"{clock(left)} left, {estimate:,.0f} runs by then",
            flush=True,
        )


def main(arguments=None):
    """Run the command; return 1 if a board differed from golden."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.cosim.soak", description="Generated networks until time is over."
    )
    parser.add_argument("--minutes", type=float, default=60, help="no seed begins later")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--seed", type=int, help="the first; by default the minute since 1970")
    options = parser.parse_args(arguments)
    if options.minutes <= 0 or options.jobs < 1:
        parser.error("--minutes and --jobs must be positive")
    first = int(time.time() / 60) * 1000 if options.seed is None else options.seed
    try:
        for name in CONFIGS:
            print(f"board {name}: {os.path.relpath(library(name))}", flush=True)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 2
    soak = Soak(first, 60 * options.minutes, options.jobs)
    begin, stopped = time.monotonic(), False
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        try:
            soak.run(Path(folder))
        except KeyboardInterrupt:
            stopped = True
    last = soak.next - 1
    print(
        f"\nseeds {first} to {last}, {EXAMPLES} networks each on every board, "
        f"{clock(time.monotonic() - begin)} with {options.jobs} processes; all of them again:\n"
        f"  {shlex.join(command(first, last))}"
    )
    if stopped:
        print(f"stopped: without {', '.join(map(str, sorted(soak.running.values())))}")
    print()
    print("\n".join(soak.tally.table()))
    if soak.failures:
        print(f"\n{len(soak.failures)} of {soak.done} seeds FAILED; repeat them with")
        print("\n".join(f"  {line}" for line in soak.failures))
        return 1
    print("\ngolden and gateware agree on every weight, momentum, membrane, count and counter")
    return STOPPED if stopped else 0


if __name__ == "__main__":
    raise SystemExit(main())
