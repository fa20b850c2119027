"""Verilog export and the build of the virtual board: what is up to date stays, errors are told."""

import json
import multiprocessing
import subprocess
import sys

import pytest

from golden.core_config import CoreConfig
from host.driver import LinkBoard
from host.transport.sim import SimTransport
from hw import export
from hw.accelerator import Accelerator
from hw.pcie_accelerator import PcieAccelerator
from hw.uart_accelerator import UartAccelerator
from hw.virtual_board import build as build_module
from hw.virtual_board.build import ROOT, BuildError, build, folder_of
from tests.hw.link.bench import CONFIG
from tests.hw.stub_core import StubCore


def test_a_file_is_written_only_when_it_changes(tmp_path):
    path = tmp_path / "folder" / "a.v"
    assert export.write_if_changed(path, "one")
    before = path.stat().st_mtime_ns
    assert not export.write_if_changed(path, "one")
    assert path.stat().st_mtime_ns == before
    assert export.write_if_changed(path, "two")


def test_export_is_repeatable_and_names_no_source():
    one, two = (
        export.verilog_of(Accelerator(CONFIG, core=StubCore(CONFIG)), "top") for _ in range(2)
    )
    assert one == two
    assert "module top(" in one
    assert "src =" not in one
    assert ".py" not in one


def test_uart_top_is_exported_with_pins():
    text = export.verilog_of(UartAccelerator(CONFIG, 100e6, 12_000_000, core=StubCore(CONFIG)), "u")
    header = text[text.index("module u(") :].split(";")[0]
    for pin in ("rx", "tx", "alive", "training", "error", "clk", "rst"):
        assert pin in header


@pytest.mark.parametrize("width", [32, 64, 128])
def test_pcie_top_is_exported_with_pins(width):
    text = export.verilog_of(PcieAccelerator(CONFIG, width, core=StubCore(CONFIG)), "p")
    for name, way, back in (("s_axis_h2c", "input", "output"), ("m_axis_c2h", "output", "input")):
        assert f"  {way} [{width - 1}:0] {name}_tdata;" in text
        assert f"  {way} [{width // 8 - 1}:0] {name}_tkeep;" in text
        assert f"  {way} {name}_tlast;" in text
        assert f"  {way} {name}_tvalid;" in text
        assert f"  {back} {name}_tready;" in text
    header = text[text.index("module p(") + len("module p(") :].split(")")[0]
    others = {pin for pin in header.split(", ") if "_axis_" not in pin}
    assert others == {"clk", "rst", "axi_aclk", "axi_aresetn", "alive", "training", "error"}


def test_pcie_top_of_another_width_is_refused():
    with pytest.raises(ValueError, match="width must be one of 32, 64, 128, 256, 512 bits, not 48"):
        PcieAccelerator(CONFIG, 48, core=StubCore(CONFIG))


@pytest.mark.parametrize(
    ("options", "module"),
    [
        ([], "accelerator"),
        (["--uart", "1000000"], "uart_accelerator"),
        (["--pcie", "64"], "pcie_accelerator"),
    ],
)
@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
def test_tops_are_chosen_by_options(tmp_path, monkeypatch, capsys, options, module):
    made = []
    monkeypatch.setattr("hw.core.Core", StubCore)
    monkeypatch.setattr(
        export, "verilog_of", lambda top, name: made.append(top) or f"module {name}"
    )
    path = tmp_path / "top.v"
    export.main([str(path), *options])
    assert path.read_text(encoding="utf-8") == f"module {module}"
    assert [type(top).__module__ for top in made] == [f"hw.{module}"]
    assert capsys.readouterr().out == f"{path}: written\n"


def test_only_one_kind_of_pins(capsys):
    with pytest.raises(SystemExit):
        export.main(["top.v", "--uart", "1000000", "--pcie", "64"])
    assert "--pcie: not allowed with argument --uart" in capsys.readouterr().err


def test_every_number_of_a_configuration_is_an_option(capsys):
    with pytest.raises(SystemExit):
        build_module.main(["--help"])
    text = capsys.readouterr().out
    for name in CoreConfig().to_words():
        assert "--" + name.replace("_", "-") + " N" in text


def test_wrong_configurations_are_one_line():
    done = subprocess.run(
        [sys.executable, "-m", "hw.virtual_board.build", "--lanes", "7"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "virtual board: lanes must be a power of two, not 7\n"


def test_wrong_arguments_are_refused(tmp_path):
    with pytest.raises(TypeError, match="config must be a CoreConfig, not 16"):
        build(16, root=tmp_path)
    with pytest.raises(ValueError, match="pcie must be 0, 64 or 128 bits, not 32"):
        build(CONFIG, root=tmp_path, pcie=32)
    with pytest.raises(SystemExit, match="virtual board: pcie must be 0, 64 or 128 bits, not 1"):
        build_module.main(["--pcie", "1"])
    with pytest.raises(BuildError, match="no-such-tool cannot be run"):
        build_module.call(["no-such-tool"], tmp_path)
    with pytest.raises(BuildError, match=r"false failed"):
        build_module.call(["false"], tmp_path)


@pytest.mark.cosim
def test_what_is_up_to_date_is_not_compiled_again(tmp_path, monkeypatch):
    calls = []
    compile_library = build_module.compile_library

    def counted(*arguments):
        calls.append(arguments)
        compile_library(*arguments)

    monkeypatch.setattr(build_module, "compile_library", counted)
    library, seconds = build(CONFIG, core=StubCore, root=tmp_path)
    assert seconds > 0
    assert build(CONFIG, core=StubCore, root=tmp_path) == (library, 0.0)
    assert len(calls) == 1
    record = json.loads((folder_of(CONFIG, root=tmp_path) / "config.json").read_text())
    assert CoreConfig.from_words(record["config"]) == CONFIG
    with LinkBoard(SimTransport(library), CONFIG) as board:
        assert board.config == CONFIG
    # Another harness or compiler means another library; a broken record too.
    monkeypatch.setattr(build_module, "tools", lambda options: "other")
    build(CONFIG, core=StubCore, root=tmp_path)
    (folder_of(CONFIG, root=tmp_path) / "config.json").write_text("{")
    build(CONFIG, core=StubCore, root=tmp_path)
    assert len(calls) == 3


def hold(path, entered, leave):
    with build_module.lock(path):
        entered.set()
        leave.wait(20)


def test_two_builds_at_once_wait_for_each_other(tmp_path):
    context = multiprocessing.get_context("spawn")
    events = [context.Event() for _ in range(4)]
    first = context.Process(target=hold, args=(tmp_path / "lock", events[0], events[1]))
    second = context.Process(target=hold, args=(tmp_path / "lock", events[2], events[3]))
    first.start()
    assert events[0].wait(20)
    second.start()
    assert not events[2].wait(1.5)
    events[1].set()
    assert events[2].wait(20)
    events[3].set()
    first.join(20)
    second.join(20)
    assert first.exitcode == second.exitcode == 0
