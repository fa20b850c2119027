"""``python -m boards program``: what openFPGALoader is called with; the tool is played by a script.

The names of boards, cables and options were compared with openFPGALoader's own tables.
"""

import json

import pytest

from boards import __main__ as command
from boards import program
from boards.catalogue import BOARDS
from golden.core_config import CoreConfig
from hw.virtual_board.build import BuildError

USUAL = {
    "arty_a7_35": ["--board", "arty_a7_35t"],
    "arty_a7_100": ["--board", "arty_a7_100t"],
    "ulx3s": ["--board", "ulx3s"],
    "ecpix5": ["--board", "ecpix5"],
    "litefury": ["--fpga-part", "xc7a100tfgg484", "--cable", "digilent_hs2"],
    "nitefury": ["--fpga-part", "xc7a200tfbg484", "--cable", "digilent_hs2"],
}


@pytest.fixture
def loader(tmp_path, monkeypatch):
    """A path with nothing but a loader that notes its arguments; its exit status can be set."""
    folder = tmp_path / "bin"
    folder.mkdir()
    file = folder / program.TOOL
    noted = tmp_path / "arguments"

    def play(status=0):
        file.write_text(
            f'#!/bin/sh\nfor word in "$@"; do echo "$word"; done >{noted}\n'
            f"echo writing SRAM; echo no device >&2; exit {status}\n"
        )
        file.chmod(0o755)
        return lambda: noted.read_text().splitlines()

    monkeypatch.setenv("PATH", str(folder))
    return play


@pytest.fixture
def bitstream(tmp_path):
    path = tmp_path / "a board.bit"
    path.write_bytes(b"bits")
    return path


def run(board, *options):
    return command.main(["program", "--board", board, *map(str, options)])


@pytest.mark.parametrize("name", BOARDS)
def test_every_board_is_loaded_by_its_name(name, loader, bitstream, capfd):
    called = loader()
    cable = ["--cable", "digilent_hs2"] if "--cable" in USUAL[name] else []
    assert run(name, "--bitstream", bitstream, *cable) == 0
    assert called() == [*USUAL[name], str(bitstream)]
    text = capfd.readouterr()
    assert "writing SRAM" in text.out
    assert "no device" in text.err
    assert f"selftest --board uart:PORT ({BOARDS[name].uart_note})" in text.out


def test_flash_serial_place_and_further_options(loader, bitstream):
    called = loader()
    options = ["--flash", "--serial", "D00123", "--usb", "1:14", "--loader-board", "ulx3s_esp"]
    assert run("ulx3s", "--bitstream", bitstream, *options, "--", "--freq", "3000000") == 0
    assert called() == [
        "--board", "ulx3s_esp", "--ftdi-serial", "D00123", "--busdev-num", "1:14", "--write-flash",
        "--freq", "3000000", str(bitstream),
    ]  # fmt: skip


def test_the_build_folder_is_the_default(loader, tmp_path, monkeypatch, capsys):
    called = loader()
    monkeypatch.setattr(program, "ROOT", tmp_path)
    folder = tmp_path / "build" / "boards" / "ulx3s"
    assert run("ulx3s") == 2
    assert f"no bitstream {folder}/ulx3s.bit: `make bitstream BOARD=ulx3s` makes it" in (
        capsys.readouterr().err
    )
    folder.mkdir(parents=True)
    (folder / "ulx3s.bit").write_bytes(b"")
    (folder / "config.json").write_text(json.dumps({"board": "ulx3s"}))
    assert run("ulx3s") == 0
    assert called()[-1] == str(folder / "ulx3s.bit")
    assert "config.json (USB (FT231X))" in capsys.readouterr().out
    assert run("ecpix5", "--bitstream", folder / "ulx3s.bit") == 2
    assert "ulx3s.bit is a bitstream of ulx3s, not of ecpix5" in capsys.readouterr().err


def test_the_bitstream_with_pcie_is_another_one(loader, tmp_path, monkeypatch, capsys):
    called = loader()
    monkeypatch.setattr(program, "ROOT", tmp_path)
    folder = tmp_path / "build" / "boards" / "litefury_pcie"
    options = ("litefury", "--pcie", "--cable", "digilent_hs2")
    assert run(*options) == 2
    assert "litefury_pcie.bit: `make bitstream BOARD=litefury ARGS='--link pcie'` makes it" in (
        capsys.readouterr().err
    )
    folder.mkdir(parents=True)
    (folder / "litefury_pcie.bit").write_bytes(b"")
    assert run(*options) == 0
    assert called()[-1] == str(folder / "litefury_pcie.bit")
    assert "next, PCIe: load the driver, then --board pcie:/dev/xdma0" in capsys.readouterr().out
    assert run("ulx3s", "--pcie") == 2
    assert "ulx3s is no PCIe card" in capsys.readouterr().err


def test_a_tool_that_fails_ends_with_1(loader, bitstream, capfd):
    loader(3)
    assert run("arty_a7", "--bitstream", bitstream) == 1
    text = capfd.readouterr()
    assert text.err.endswith("boards program: openFPGALoader ended with status 3\n")
    assert "next:" not in text.out


def test_a_missing_tool_ends_with_2_and_says_where_it_is(bitstream, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run("arty_a7", "--bitstream", bitstream) == 2
    text = capsys.readouterr().err
    assert "openFPGALoader is not on the path" in text
    assert "apt install openfpgaloader" in text


@pytest.mark.parametrize(
    ("board", "options", "message"),
    [
        ("de10", [], "board must be one of arty_a7, "),
        ("litefury", [], "RHS Research LiteFury has no cable of its own: name yours with --cable"),
        ("ulx3s", ["--usb", "14"], "usb must be BUS:DEVICE such as 1:14, not '14'"),
        ("ulx3s", ["--like", "ecpix5", "--lanes", 4], "ulx3s takes no --like, --lanes"),
        ("sim", ["--flash", "--", "-v"], "sim takes no --flash, --"),
        ("sim", ["--lanes", 5], "lanes must be a power of two, not 5"),
        ("sim", ["--like", "de10"], "board must be one of arty_a7, "),
    ],
)
def test_wrong_options_end_with_2(board, options, message, loader, bitstream, capsys):
    loader()
    given = [] if board == "sim" else ["--bitstream", bitstream]
    assert run(board, *given, *options) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "config", "seconds"),
    [
        ([], CoreConfig(), 0.0),
        (["--lanes", 4], CoreConfig().with_lanes(4), 61.0),
        (["--like", "ulx3s", "--layers", 8], None, 0.0),
    ],
)
def test_the_virtual_board_is_built(options, config, seconds, tmp_path, monkeypatch, capsys):
    asked = []

    def build(wanted):
        asked.append(wanted)
        return tmp_path / "libvirtual_board.so", seconds

    monkeypatch.setattr(program, "build", build)
    assert run("sim", *options) == 0
    if config is None:
        config = CoreConfig.from_words(BOARDS["ulx3s"].config.to_words() | {"layers": 8})
    assert asked == [config]
    text = capsys.readouterr().out
    assert ("built in 61 s" if seconds else "up to date") in text
    assert "selftest --board sim --config" in text
    assert text.endswith("config.json\n")


def test_the_self_test_is_the_host_s(capfd):
    assert command.main(["selftest", "--board", "golden", "--parts", "training"]) == 0
    assert capfd.readouterr().out.endswith("\npassed\n")
    assert command.main(["selftest", "--board", "fpga"]) == 2
    assert "boards selftest: board must be sim, golden, uart:PORT" in capfd.readouterr().err


def test_ctrl_c_ends_the_self_test(monkeypatch):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("boards.selftest.subprocess.run", stop)
    assert command.main(["selftest", "--board", "golden"]) == 130


def test_a_virtual_board_that_cannot_be_built_ends_with_1(monkeypatch, capsys):
    def build(wanted):
        raise BuildError("g++ failed")

    monkeypatch.setattr(program, "build", build)
    assert run("sim") == 1
    assert capsys.readouterr().err == "boards program: g++ failed\n"
