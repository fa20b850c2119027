"""Transports: what they say when nothing is there, and that they carry bytes."""

import os

import pytest

from golden.core_config import CoreConfig
from host.driver import LinkBoard, open_board
from host.link import LinkError, encode
from host.protocol.packets import Packet
from host.transport import sim as sim_module
from host.transport.base import TransportError
from host.transport.faults import Faults, FaultyTransport
from host.transport.sim import SimTransport, build_library
from host.transport.uart import UartTransport
from tests.host.boards import CONFIG, library


def test_missing_serial_port_is_named():
    with pytest.raises(TransportError, match=r"no board at /dev/nothing \(no such device\) with"):
        open_board("uart:/dev/nothing")


def test_serial_port_that_is_none_is_refused(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"")
    with pytest.raises(TransportError, match=r"no board at .*file with 12000000 baud"):
        UartTransport(str(path))


def test_port_where_nothing_answers():
    """A port that only echoes: our own requests must not be taken for answers."""
    transport = UartTransport("loop://", 115200)
    transport.timeout = 0.01
    with pytest.raises(LinkError, match=r"does not answer HELLO .* is a board of this project"):
        LinkBoard(transport, retries=2)


def test_bytes_pass_a_serial_port():
    with UartTransport("loop://", 115200) as transport:
        transport.send(b"hello")
        got = b""
        while len(got) < 5:
            part = transport.receive(0.5)
            assert part
            got += part
        assert got == b"hello"
        assert transport.receive(0.01) == b""


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo terminals")
def test_a_port_that_vanishes_is_an_error():
    board, port = os.openpty()
    transport = UartTransport(os.ttyname(port), 115200)
    os.close(board)
    os.close(port)

    def use():
        for _ in range(3):
            transport.send(b"x")
            transport.receive(0.01)

    with pytest.raises(TransportError, match="broke while"):
        use()


def test_a_library_that_is_none_is_refused(tmp_path):
    path = tmp_path / "libvirtual_board.so"
    path.write_bytes(b"no library")
    with pytest.raises(TransportError, match="cannot be loaded"):
        SimTransport(path)


@pytest.mark.cosim
def test_a_library_of_another_interface_is_refused(monkeypatch):
    monkeypatch.setattr(sim_module, "INTERFACE", 99)
    with pytest.raises(TransportError, match="has interface 1, not 99: build it again"):
        SimTransport(library())


def test_a_failed_build_shows_why(monkeypatch):
    monkeypatch.setattr(CoreConfig, "to_words", lambda self: {"lanes": 7})
    with pytest.raises(TransportError, match=r"cannot be built:\n(.|\n)*power of two"):
        build_library(CONFIG, verbose=False)


@pytest.mark.cosim
def test_waves_need_a_library_with_traces(tmp_path):
    with pytest.raises(TransportError, match="built without traces"):
        SimTransport(library(), waves=tmp_path / "waves.vcd")


@pytest.mark.cosim
def test_time_passes_only_when_asked():
    with SimTransport(library()) as board:
        before = board.cycles
        board.run(1000)
        assert board.cycles == before + 1000
        assert board.receive(1e-6) == b""
        assert board.cycles == before + 1100
    with pytest.raises(TransportError, match="the virtual board is closed"):
        board.send(b"x")


@pytest.mark.cosim
def test_pauses_are_repeatable():
    def hello(stall, seed):
        with SimTransport(library(), stall=stall, seed=seed) as board:
            board.send(encode(Packet.HELLO, 1, b""))
            return board.receive(1e-3), board.cycles

    free, first, again, other = hello(0, 1), hello(100, 1), hello(100, 1), hello(100, 2)
    assert first == again
    assert free[0] == first[0] == other[0]
    assert free[1] < min(first[1], other[1])
    assert first[1] != other[1]


class Record(SimTransport):
    name = "record"
    timeout = 0.1

    def __init__(self):
        self.sent = []

    def send(self, data):
        self.sent.append(data)

    def receive(self, timeout):
        return b"answer"

    def close(self):
        self.sent = None


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        ("drop", lambda data: data is None),
        (
            "flip",
            lambda data: (
                bin(int.from_bytes(data, "big") ^ int.from_bytes(b"abcd", "big")).count("1") == 1
            ),
        ),
        ("repeat", lambda data: data == b"abcdabcd"),
        ("truncate", lambda data: data is None or (len(data) < 4 and b"abcd".startswith(data))),
        ("garbage", lambda data: len(data) > 4 and data.endswith(b"abcd")),
    ],
)
def test_faults_do_what_they_say(kind, check):
    for seed in range(5):
        inner = Record()
        transport = FaultyTransport(inner, Faults(**{kind: 1.0}), seed=seed)
        transport.send(b"abcd")
        assert check(inner.sent[0] if inner.sent else None)
        assert transport.sending.count[kind] == 1
        assert transport.receive(1) == b"answer"
