"""Options, fixtures and markers that every folder of tests shares."""

import os
from pathlib import Path

import pytest

from hw import verilator

KINDS = {"unit", "cosim", "synth", "slow", "board"}


def pytest_addoption(parser):
    parser.addoption(
        "--waves", action="store_true", help="write a wave file (VCD) of every simulation"
    )
    parser.addoption(
        "--examples", type=int, default=6, metavar="N",
        help="generated networks per test of random networks (default 6)",
    )  # fmt: skip
    parser.addoption(
        "--seeds", type=int, nargs=2, default=(0, 2), metavar=("FIRST", "LAST"),
        help="seeds of random networks, LAST excluded (default 0 2)",
    )  # fmt: skip
    parser.addoption(
        "--no-shrink", action="store_true", help="show a generated network that fails as it is"
    )
    parser.addoption(
        "--tally", metavar="FILE", type=Path,
        help="append a line to FILE for every generated network that agreed (see make soak)",
    )  # fmt: skip


def pytest_configure():
    """Let cocotb, in this process and in the workers, find the environment's Verilator."""
    try:
        variables = verilator.environment()
    except FileNotFoundError:
        return  # the tests that simulate will say so
    os.environ["VERILATOR_ROOT"] = variables["VERILATOR_ROOT"]
    folder = str(Path(__file__).parent / "cosim" / "bin")
    if os.environ.get("PATH", "").split(os.pathsep)[0] != folder:
        os.environ["PATH"] = os.pathsep.join([folder, os.environ.get("PATH", "")])


def pytest_collection_modifyitems(items):
    """Give every test a kind: those under cosim/ are `cosim`, the rest is `unit` unless marked."""
    cosim = Path(__file__).parent / "cosim"
    for item in items:
        if cosim in item.path.parents:
            item.add_marker(pytest.mark.cosim)
        if not KINDS & {marker.name for marker in item.iter_markers()}:
            item.add_marker(pytest.mark.unit)


@pytest.fixture(scope="session")
def data_dir():
    """Folder of real recordings, named by TLBPTT_DATA."""
    name = os.environ.get("TLBPTT_DATA")
    if not name:
        pytest.skip("TLBPTT_DATA is not set: it names the folder of real recordings (NMNIST/…)")
    path = Path(name)
    if not path.is_dir():
        pytest.fail(f"TLBPTT_DATA must be a folder, not {name!r}")
    return path


@pytest.fixture(scope="session")
def waves(request):
    """Whether wave files are wanted."""
    return request.config.getoption("--waves")
