"""The accelerator's netlist for a family of parts as a virtual board.

Amaranth's RTLIL goes through the family's commands for yosys; the netlist that they leave is
written as Verilog and Verilated with the models of its cells.
"""

import ctypes
import json
import os
import random
import time

from amaranth.back import rtlil

from boards import yowasp
from boards.core import core_for
from boards.parts import PARTS
from host.driver import BoardError, LinkBoard
from host.link import RequestError
from host.transport.base import TransportError
from host.transport.sim import SimTransport
from hw.accelerator import Accelerator
from hw.virtual_board.build import HARNESS, LIBRARY, ROOT, compile_library, digest, lock
from hw.virtual_board.top import VirtualBoardTop
from tests.cosim.against_golden import compare
from tests.netlist import ecp5, xc7

HERE = ROOT / "tests" / "netlist"
MODELS = HERE / "models.sv"
FAULTS = HERE / "faults.cpp"

FAMILIES = {"ecp5": ecp5, "xc7": xc7}
"""By `boards.parts.Part.family`."""

AS_VERILOG = """
delete t:$scopeinfo
splitnets
select -set inner w:* i:* o:* %u %d
rename -hide @inner
rename -hide c:*
rename top accelerator
write_verilog -noattr -noexpr netlist.v
"""
"""Bit by bit and with short names, which halves the time of what follows; no logic is touched."""

VERILATOR = (
    "-O3", "-fno-merge-cond", "--x-assign", "unique", "--x-initial", "unique", "-Wno-lint",
    "--no-decoration", "--output-split", "200000", "--output-split-cfuncs", "2000",
    "+define+RANDOM_START", "-Wno-SPECIFYIGN", "-Wno-INITIALDLY", "-Wno-COMBDLY", MODELS,
)  # fmt: skip
"""``merge-cond`` takes a fifth of the time for nothing here. What nobody drives is random. In one
function a board's whole netlist takes the compiler more than 6 GB."""

MEMORY, PRODUCT, TABLES = 1, 2, 3
"""Faults, numbered as in models.sv; look-up tables have the numbers from `TABLES` on."""

DIFFERENCES = (AssertionError, BoardError, RequestError, TransportError)
"""How a netlist that is not what it should be shows: in its results, or in its answers."""


def rtlil_of(config, family, core=None):
    """Return the RTLIL of the accelerator between byte streams, its module being ``top``."""
    core = core_for(config, PARTS[FAMILIES[family].PART]) if core is None else core
    top = VirtualBoardTop(Accelerator(config, core=core))
    return rtlil.convert(top, name="top", emit_src=False)


def synthesise(text, folder, family):
    """Write ``netlist.v``, what a family's flow makes of some RTLIL, into `folder`."""
    (folder / "top.il").write_text(text, encoding="utf-8")
    read = FAMILIES[family].map_to_cells(folder)
    (folder / "netlist.ys").write_text(read + AS_VERILOG, encoding="utf-8")
    yowasp.run("yosys", ["-q", "netlist.ys"], folder, "netlist.log")
    return folder / "netlist.v"


def with_faults(netlist, family, count, seed=1):
    """Return a netlist of which `open_board` can turn `count` look-up tables into complements."""
    tables = list(FAMILIES[family].TABLE.finditer(netlist))
    chosen = sorted(random.Random(seed).sample(range(len(tables)), count))
    out, end = [], 0
    for number, match in enumerate((tables[index] for index in chosen), TABLES):
        out += [netlist[end : match.start()], f"{match[1]}_FAULT #(.FAULT({number}), "]
        end = match.end()
    return "".join([*out, netlist[end:]])


def build(config, folder, family, *, tables=0, flags="-O0", core=None, report=None):
    """Make the netlist's library in `folder` unless it is there; return it.

    Parameters
    ----------
    config : CoreConfig
        Maxima and formats.
    folder : Path
        Gets all files.
    family : str
        In `FAMILIES`.
    tables : int
        Look-up tables that can be broken.
    flags : str
        Of the compiler: most time goes into it, not into the simulation.
    core : Component, optional
        Stands in for the core.
    report : callable, optional
        Told each step and its seconds.
    """
    tell = report or (lambda text: None)
    folder.mkdir(parents=True, exist_ok=True)
    text = rtlil_of(config, family, core)
    chosen = FAMILIES[family]
    files = (
        chosen.CELLS, MODELS, FAULTS, HARNESS, HERE / "netlist.py", HERE / f"{family}.py",
        *sorted((ROOT / "boards").glob("*.py")),
    )  # fmt: skip
    made = digest([text, family, str(tables), flags, *(path.read_bytes() for path in files)])
    stamp, library = folder / "stamp.json", folder / LIBRARY
    with lock(folder / "lock"):
        if stamp.is_file() and library.is_file() and json.loads(stamp.read_text()) == made:
            tell("netlist up to date")
            return library
        stamp.unlink(missing_ok=True)
        start = time.monotonic()
        path = synthesise(text, folder, family)
        tell(f"synthesis {time.monotonic() - start:.0f} s")
        start = time.monotonic()
        source = folder / "accelerator.v"
        netlist = with_faults(path.read_text(encoding="utf-8"), family, tables)
        source.write_text(netlist, encoding="utf-8")
        options = (*VERILATOR, *chosen.models(folder))
        flags += " -fPIC -fno-plt"
        compile_library(
            source, folder, flags, False, os.cpu_count() or 1, options=options, sources=[FAULTS]
        )
        tell(f"compilation {time.monotonic() - start:.0f} s")
        stamp.write_text(json.dumps(made), encoding="utf-8")
    return library


def open_board(library, config, *, fault=0, seed=0, retries=8, timeout=None, **options):
    """Return the netlist behind the driver.

    Parameters
    ----------
    library : Path
        What `build` returns.
    config : CoreConfig
        Of the netlist.
    fault : int
        What is broken: `MEMORY` (a bit of the third row of all block RAMs), `PRODUCT` (a bit of all
        multipliers; ECP5 alone), a number from `TABLES` on (a look-up table) or 0.
    seed : int
        Of what the flip-flops hold before the reset; 0: all 0.
    retries : int
        Times a request is repeated.
    timeout : float, optional
        Of an answer, at 100 MHz [s].
    options
        Of `SimTransport`.
    """
    functions = ctypes.CDLL(str(library))
    functions.netlist_choose_fault(fault)
    functions.virtual_board_randomise(seed)
    transport = SimTransport(library, **options)
    if timeout is not None:
        transport.timeout = timeout
    return LinkBoard(transport, config, retries=retries)


def noticed(library, config, fault, cases):
    """Return how a fault shows in a run of some cases, "" if it does not."""
    try:
        for case in cases:
            # an answer takes less than 20,000 cycles; one that does not come is asked for twice
            with open_board(library, config, fault=fault, retries=1, timeout=2e-4) as board:
                compare(board, case)
    except DIFFERENCES as error:
        return str(error)
    return ""
