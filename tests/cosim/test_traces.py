"""Every state of the core at every step against golden's trace, with cocotb on Verilator.

Without xdist (``make sim``) each check prints a line.
"""

import contextlib

import pytest
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

from hw.export import verilog_of, write_if_changed
from hw.virtual_board.build import ROOT, WAIVERS
from tests.cosim.probed_core import ProbedCore
from tests.cosim.trace_cases import CASES, CONFIGS


@pytest.mark.parametrize("config", CONFIGS)
def test_every_state_at_every_step(config, waves, capsys, monkeypatch):
    # The wheel's makefile lacks the option with which a precompiled header is included.
    monkeypatch.setenv("MAKEFLAGS", "CFG_CXXFLAGS_PCH_I=-include")
    folder = ROOT / "build" / "cosim" / "traces" / (config + "-waves" * waves)
    source = folder / "core.v"
    write_if_changed(source, verilog_of(ProbedCore(CONFIGS[config]), "core"))
    runner = get_runner("verilator")
    runner.build(
        sources=[WAIVERS, source],
        hdl_toplevel="core",
        build_dir=folder / "sim",
        build_args=["-Wall", *(["--trace"] if waves else [])],
        timescale=("1ns", "1ps"),
    )
    for case in CASES:
        report, log = folder / f"{case}.txt", folder / f"{case}.log"
        report.unlink(missing_ok=True)
        outcome = None
        with contextlib.suppress(SystemExit):  # so the runner says that a test has failed
            results = runner.test(
                hdl_toplevel="core",
                test_module="tests.cosim.trace_bench",
                build_dir=folder / "sim",
                test_dir=ROOT,
                results_xml=str(folder / f"{case}.xml"),
                log_file=log,
                extra_env={
                    "TRACE_CASE": case,
                    "TRACE_CONFIG": config,
                    "TRACE_REPORT": str(report),
                },
                waves=waves,
            )
            outcome = get_results(results)
        lines = report.read_text(encoding="utf-8") if report.is_file() else ""
        with capsys.disabled():
            print("\n" + lines, end="")
        wrong = [line for line in lines.splitlines() if not line.endswith("PASS")]
        assert outcome == (1, 0), "\n".join(wrong) or log.read_text(encoding="utf-8")
