"""Bitstream of an ECP5 board with nothing but packages from PyPI."""

import json
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path

from boards import built, ecp5_netlist, timing, yowasp
from boards.arrange import HOT, WARM, arrange
from boards.board import Ecp5Board
from boards.cells import SYNTH_ECP5, parse_netlist
from boards.ecp5_netlist import NETLIST
from boards.macro_sites import macros_of, sites_of
from boards.progress import stage
from boards.timing import Routed
from boards.top import BoardTop
from golden.core_config import CoreConfig

TOOLS = ("yosys", "nextpnr-ecp5", "ecppack")

TELL = 30
"""Seconds between two lines that tell how far place and route is."""

PLACED = "placed.json"
"""What nextpnr writes in a round; removed when it is read, since it may take 100 MB."""

FIXED = ("--placer-heap-alpha", "0.03", "--placer-heap-timingweight", "40")
"""Options of nextpnr once block RAMs and multipliers are fixed. Its placer pulls each cell towards
the legal place that it last had, by alpha times the number of the iteration (nextpnr,
common/place/placer_heap.cc), 0.1 by default; a weaker pull leaves more iterations to shorten nets.
LeNet-1 at P = 8: 340 thousand tiles of wire after one round, with 0.1, and 310 thousand after two,
with 0.03. Critical nets weigh 10 times as much as others by default: with 40 the clock estimated
before routing rose from 70 to 79 MHz, at 318 thousand."""

SCRIPT = "read_rtlil top.il\n" + SYNTH_ECP5.format(top="top")


@dataclass(frozen=True)
class Plan:
    """What the tools are called with.

    Attributes
    ----------
    place, pack : list of str
        Options for the part (nextpnr) and of the board (ecppack).
    """

    place: list[str]
    pack: list[str]


def prepare(
    board: Ecp5Board, config: CoreConfig, target: int, folder: Path, core=None
) -> Plan:  # fmt: skip
    """Write netlist and constraints of a board into a folder and return the tools' options.

    The oscillator is constrained; nextpnr derives the clock that the PLL makes.
    """
    files = board.platform().prepare(BoardTop(board, config, target, core), "top").files
    for name in ("top.il", "top.lpf"):
        (folder / name).write_text(files[name], encoding="utf-8")
    (folder / "synth.ys").write_text(SCRIPT, encoding="utf-8")
    commands = {call[0]: call[1:] for call in json.loads(files["build_top.json"])["commands"]}
    place, pack = commands["nextpnr-ecp5"], commands["ecppack"]
    return Plan(place[place.index("top.tim") + 1 : place.index("--json")],
                pack[: pack.index("--input")])  # fmt: skip


def _nextpnr(plan: Plan, clock: float, seed: int, folder: Path, stem: str, options) -> None:
    """Run nextpnr with a seed and some options more; ``<stem>.log`` is written."""
    yowasp.run(
        "nextpnr-ecp5",
        [
            *plan.place, "--json", NETLIST, "--lpf", "top.lpf", "--freq", f"{clock / 1e6:.6f}",
            "--seed", str(seed), "--timing-allow-fail", *options,
        ],
        folder,
        f"{stem}.log",
    )  # fmt: skip


def route(plan: Plan, clock: float, seed: int, folder: Path, options=()) -> Routed:
    """Place and route with one seed; ``seed<N>.config``, ``.json`` and ``.log`` are written.

    A clock that is too slow is no error here: `Routed` tells it.
    """
    stem = f"seed{seed}"
    written = ["--textcfg", f"{stem}.config", "--report", f"{stem}.json"]
    _nextpnr(plan, clock, seed, folder, stem, [*written, *options])
    return timing.parse((folder / f"{stem}.json").read_text(encoding="utf-8"), clock, seed)


def _finished(running: dict, report):
    """Yield futures as they finish, and tell how far the others are.

    `running` holds of each future what its run is called and the log that it writes.
    """
    left = dict(running)
    while left:
        done, _ = wait(left, TELL, FIRST_COMPLETED)
        for future in done:
            del left[future]
            yield future
        if not done:
            report("; ".join(f"{name}: {stage(log)}" for name, log in left.values()))


def _routes(plan: Plan, clock: float, seeds, jobs: int, folder: Path, report) -> list[Routed]:
    """Try the seeds and tell how far they are; return what they reached, in their order."""
    logs = {seed: folder / f"seed{seed}.log" for seed in seeds}
    for log in logs.values():
        log.unlink(missing_ok=True)
    with ThreadPoolExecutor(jobs) as pool:
        running = {
            pool.submit(route, plan, clock, seed, folder): (f"seed {seed}", log)
            for seed, log in logs.items()
        }
        for future in _finished(running, report):
            found = future.result()
            reached = f"{found.clock / 1e6:.1f} MHz, slack {found.slack:.2f} ns"
            report(f"seed {found.seed}: {reached}")
    return [future.result() for future in running]


def _place(plan: Plan, clock: float, seed: int, number: int, folder: Path, report) -> dict:
    """Place for a round, tell how far it is and return what nextpnr wrote."""
    log = folder / f"round{number}.log"
    log.unlink(missing_ok=True)
    options = ["--no-route", "--write", PLACED]
    try:
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(_nextpnr, plan, clock, seed, folder, log.stem, options)
            for future in _finished({run: (f"round {number}", log)}, report):
                future.result()
        return json.loads((folder / PLACED).read_text(encoding="utf-8"))
    finally:
        (folder / PLACED).unlink(missing_ok=True)


def _arranged(
    plan: Plan, board: Ecp5Board, macros: list[str], clock: float, seed: int, rounds: int,
    folder: Path, report,
) -> Plan:  # fmt: skip
    """Fix block RAMs and multipliers in the netlist, in rounds; return the plan for the rest."""
    if not (rounds and macros):
        return plan
    sites = sites_of(board.part)
    for number in range(1, rounds + 1):
        report(f"round {number} of {rounds} for the sites of block RAMs and multipliers")
        placed = _place(plan, clock, seed, number, folder, report)
        bels = arrange(placed, macros, sites, HOT if number == 1 else WARM, seed, report)
        del placed  # 0.4 GB
        ecp5_netlist.fix(folder, bels)
        if number == 1:
            plan = replace(plan, place=[*plan.place, *FIXED])
    return plan


def build(
    board: Ecp5Board,
    config: CoreConfig,
    target: int,
    folder: Path,
    seeds=(1,),
    jobs: int = 1,
    rounds: int = 2,
    core=None,
    report=print,
) -> tuple[Path, Routed]:
    """Make the bitstream with the best of some seeds.

    Parameters
    ----------
    board : Ecp5Board
    config : CoreConfig
        Maxima and formats.
    target : int
        Clock of the accelerator [Hz].
    folder : Path
        Gets all files; made if missing.
    seeds : sequence of int
        Of the placer.
    jobs : int
        Seeds tried at a time.
    rounds : int
        Times that the first seed is placed for better sites of block RAMs and multipliers
        (`boards.arrange`), at which they are then fixed for all seeds; 0 leaves them to nextpnr.
    core : Component, optional
        Stands in for the core.
    report : callable
        Told each step.

    Returns
    -------
    (Path, Routed)
        The bitstream and what the best seed reached.

    Raises
    ------
    BoardError
        A tool is not installed, or does not know the sites of the part.
    ToolError
        A tool failed, or left a block RAM or multiplier without a site.
    TimingError
        No seed reaches the clock; there is no bitstream then, not even an earlier one.
    """
    yowasp.require(*TOOLS)
    folder.mkdir(parents=True, exist_ok=True)
    bitstream = folder / f"{board.name}.bit"
    bitstream.unlink(missing_ok=True)
    plan = prepare(board, config, target, folder, core)
    clock = float(board.made_clock(target))
    report(f"synthesis ({folder / 'synth.log'})")
    yowasp.run("yosys", ["-q", "synth.ys"], folder, "yosys.log")
    netlist = ecp5_netlist.finish(folder)
    built.write_mapped(folder, parse_netlist(netlist))
    macros = macros_of(netlist)
    del netlist  # 0.2 GB
    plan = _arranged(plan, board, macros, clock, seeds[0], rounds, folder, report)
    report(f"place and route for {clock / 1e6:g} MHz, seeds {', '.join(map(str, seeds))}")
    results = _routes(plan, clock, seeds, jobs, folder, report)
    best = max(results, key=lambda found: found.clock)
    built.write_routed(folder, best)
    best.check()
    yowasp.run(
        "ecppack",
        [*plan.pack, "--input", f"seed{best.seed}.config", "--bit", bitstream.name],
        folder,
        "ecppack.log",
    )
    return bitstream, best
