"""Bitstream of an ECP5 board with nothing but packages from PyPI."""

import json
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from boards import built, ecp5_netlist, timing, yowasp
from boards.board import Ecp5Board
from boards.cells import SYNTH_ECP5, parse_netlist
from boards.ecp5_netlist import NETLIST
from boards.progress import stage
from boards.timing import Routed
from boards.top import BoardTop
from golden.core_config import CoreConfig

TOOLS = ("yosys", "nextpnr-ecp5", "ecppack")

TELL = 30
"""Seconds between two lines that tell how far place and route is."""

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


def route(plan: Plan, clock: float, seed: int, folder: Path, options=()) -> Routed:
    """Place and route with one seed; ``seed<N>.config``, ``.json`` and ``.log`` are written.

    A clock that is too slow is no error here: `Routed` tells it.
    """
    stem = f"seed{seed}"
    yowasp.run(
        "nextpnr-ecp5",
        [
            *plan.place, "--json", NETLIST, "--lpf", "top.lpf", "--freq", f"{clock / 1e6:.6f}",
            "--seed", str(seed), "--textcfg", f"{stem}.config", "--report", f"{stem}.json",
            "--timing-allow-fail", *options,
        ],
        folder,
        f"{stem}.log",
    )  # fmt: skip
    return timing.parse((folder / f"{stem}.json").read_text(encoding="utf-8"), clock, seed)


def _routes(plan: Plan, clock: float, seeds, jobs: int, folder: Path, report) -> list[Routed]:
    """Try the seeds and tell how far they are; return what they reached, in their order."""
    for seed in seeds:
        (folder / f"seed{seed}.log").unlink(missing_ok=True)
    with ThreadPoolExecutor(jobs) as pool:
        results = [pool.submit(route, plan, clock, seed, folder) for seed in seeds]
        left = dict(zip(results, seeds, strict=True))
        while left:
            done, _ = wait(left, TELL, FIRST_COMPLETED)
            for future in done:
                del left[future]
                found = future.result()
                reached = f"{found.clock / 1e6:.1f} MHz, slack {found.slack:.2f} ns"
                report(f"seed {found.seed}: {reached}")
            if not done:
                stages = (f"seed {n}: {stage(folder / f'seed{n}.log')}" for n in left.values())
                report("; ".join(stages))
    return [future.result() for future in results]


def build(
    board: Ecp5Board,
    config: CoreConfig,
    target: int,
    folder: Path,
    seeds=(1,),
    jobs: int = 1,
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
        A tool is not installed.
    ToolError
        A tool failed.
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
    built.write_mapped(folder, parse_netlist(ecp5_netlist.finish(folder)))
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
