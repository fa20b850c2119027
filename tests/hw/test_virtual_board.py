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
