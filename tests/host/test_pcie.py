"""PCIe transport: training through it equals golden, what it says when a device fails."""

import errno
import io
import mmap
import os
import threading
import time

import pytest

from host.driver import LinkBoard, open_board
from host.link import LinkError
from host.transport import pcie
from host.transport.base import TransportError
from host.transport.pcie import PcieTransport
from host.transport.sim import SimTransport
from tests.host.boards import (
    CONFIG,
    NETWORK,
    SETTINGS,
    assert_same,
    contents,
    golden,
    library,
    recordings,
    weights,
)
from tests.host.xdma_card import Card, CardWithBoard

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")


@pytest.mark.cosim
@pytest.mark.parametrize(("piece", "stall"), [(1 << 16, 0), (7, 60)])
def test_training_equals_golden(tmp_path, piece, stall):
    """Whole packets, and packets in pieces of 7 bytes; card 1, channel 1 in the second case."""
    where = {"number": 1, "channel": 1} if stall else {}
    samples = recordings(3)
    with (
        SimTransport(library(), stall=stall) as inner,
        CardWithBoard(tmp_path, inner, piece, **where) as card,
        open_board(f"pcie:{card.device}" + (",1" if stall else ""), CONFIG) as board,
        golden() as model,
    ):
        for one in (board, model):
            one.load(NETWORK, SETTINGS, weights())
        for sample in samples:
            got, expected = (
                one.train_sample(sample.frames, sample.label) for one in (board, model)
            )
            assert (got == expected).all()
        assert_same(contents(board), contents(model))
        assert board.link.statistics.resends == 0
        assert board.name == f"PCIe card {card.device}" + (" channel 1" if stall else "")


def test_bytes_pass_both_ways(tmp_path):
    with Card(tmp_path) as card, PcieTransport(card.device) as transport:
        transport.send(b"hello")
        assert card.take() == b"hello"
        card.give(b"answer")
        assert transport.receive(1) == b"answer"
        assert transport.receive(0.01) == b""
        card.give(b"late")
        assert transport.receive(1) == b"late"


def test_nothing_is_read_that_nobody_waits_for(tmp_path):
    """What the card sends between requests waits there, and a page at most comes at a time."""
    data = bytes(range(256)) * (3 * mmap.PAGESIZE // 256)
    with Card(tmp_path) as card, PcieTransport(card.device) as transport:
        card.give(data)
        got = transport.receive(1)
        assert len(got) == mmap.PAGESIZE
        time.sleep(0.05)
        assert os.read(card.tx, 16) == data[len(got) : len(got) + 16], "the transport read on"
        got += data[len(got) : len(got) + 16]
        while len(got) < len(data):
            got += transport.receive(1)
        assert got == data


def test_short_writes_are_continued(tmp_path, monkeypatch):
    write, sizes = os.write, []

    def short(device, data):
        sizes.append(len(data))
        return write(device, bytes(data)[:3000])

    data = os.urandom(2 * mmap.PAGESIZE)
    with Card(tmp_path) as card, PcieTransport(card.device) as transport:
        monkeypatch.setattr(pcie.os, "write", short)
        transport.send(data)
        monkeypatch.undo()
        assert card.take() == data
    assert max(sizes) == mmap.PAGESIZE, "a transfer must not be longer than the page it lies in"


def test_a_card_that_is_silent_is_no_board(tmp_path):
    with Card(tmp_path) as card:
        transport = PcieTransport(card.device)
        transport.timeout = 0.01
        with pytest.raises(LinkError, match="xdma0 does not answer HELLO after 3 attempts"):
            LinkBoard(transport, retries=2)


def test_missing_device_is_named_with_the_cards_there(tmp_path):
    with pytest.raises(
        TransportError,
        match=r"no board at .*xdma0_h2c_0 \(no such device\): is the driver xdma loaded.*"
        r"\(docs/pcie.md\)\? Cards here: none$",
    ):
        open_board(f"pcie:{tmp_path}/xdma0")
    with Card(tmp_path, 2), Card(tmp_path, 1) as card:
        with pytest.raises(TransportError, match=r"xdma0_h2c_0 .* Cards here: xdma1, xdma2$"):
            open_board(f"pcie:{tmp_path}/xdma0")
        with pytest.raises(TransportError, match=r"xdma1_h2c_3 \(no such device\)"):
            open_board(f"pcie:{card.device},3")
        os.remove(f"{card.device}_c2h_0")
        with pytest.raises(TransportError, match=r"xdma1_c2h_0 \(no such device\)"):
            PcieTransport(card.device)


def test_a_file_in_the_device_s_place_is_refused(tmp_path):
    (tmp_path / "xdma0_h2c_0").write_bytes(b"")
    with pytest.raises(TransportError, match=r"xdma0_h2c_0: this is a file, not a device"):
        PcieTransport(f"{tmp_path}/xdma0")


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.EACCES, r"xdma0_h2c_0 \(no permission\): give your user access with a udev rule"),
        (errno.EPERM, r"\(no permission\)"),
        (errno.EBUSY, r"\(in use\): another program has it open, or one that ended within the"),
        (errno.ENODEV, r"\(No such device\): `dmesg` says why \(docs/pcie.md\)"),
    ],
)
def test_devices_that_cannot_be_opened(tmp_path, monkeypatch, number, message):
    def refuse(path, flags):
        raise OSError(number, os.strerror(number), str(path))

    with Card(tmp_path) as card:
        monkeypatch.setattr(pcie.os, "open", refuse)
        with pytest.raises(TransportError, match=message):
            PcieTransport(card.device)


def test_channels_are_checked():
    with pytest.raises(ValueError, match="channel must be at least 0, not -1"):
        PcieTransport("/dev/xdma0", -1)


def test_a_card_that_vanishes_is_an_error(tmp_path):
    with Card(tmp_path) as card, PcieTransport(card.device) as transport:
        assert transport.receive(0.01) == b""
        card.vanish()
        for _ in range(2):
            with pytest.raises(
                TransportError,
                match=r"PCIe card .*xdma0 broke while receiving: the device is gone. `dmesg` says",
            ):
                transport.receive(1)
        with pytest.raises(TransportError, match=r"xdma0 broke while sending: .*Broken pipe"):
            transport.send(b"x")


def failing(error):
    def write(device, data):
        raise error

    return write


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (failing(OSError(errno.EIO, "Input/output error")), "broke while sending: .*Input/output"),
        (failing(OSError(errno.ETIMEDOUT, "")), "xdma0 takes no bytes: does its bitstream hold"),
        (lambda device, data: 0, "broke while sending: the device is gone"),
    ],
    ids=["EIO", "ETIMEDOUT", "nothing"],
)
def test_failing_writes(tmp_path, monkeypatch, write, message):
    with Card(tmp_path) as card, PcieTransport(card.device) as transport:
        monkeypatch.setattr(pcie.os, "write", write)
        with pytest.raises(TransportError, match=message):
            transport.send(b"x")
        monkeypatch.undo()


class Driver(io.FileIO):
    """A device whose reads fail as listed before they succeed."""

    fails = ()

    def readinto(self, page):
        if self.fails:
            number, *Driver.fails = self.fails
            raise OSError(number, f"error {number}")
        return super().readinto(page)


def test_reads_that_time_out_are_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr(pcie.io, "FileIO", Driver)
    monkeypatch.setattr(Driver, "fails", [errno.ETIMEDOUT, pcie.ERESTARTSYS])
    with Card(tmp_path) as card, PcieTransport(card.device) as transport:
        card.give(b"answer")
        assert transport.receive(1) == b"answer"
        assert not Driver.fails


def test_reads_that_fail_are_errors(tmp_path, monkeypatch):
    monkeypatch.setattr(pcie.io, "FileIO", Driver)
    monkeypatch.setattr(Driver, "fails", [errno.EIO])
    with Card(tmp_path) as card, PcieTransport(card.device) as transport:
        for _ in range(2):
            with pytest.raises(TransportError, match=r"broke while receiving: .*error 5"):
                transport.receive(1)


def readers(card):
    return [thread for thread in threading.enumerate() if card.device in thread.name]


def test_a_card_can_be_opened_again_at_once(tmp_path):
    with Card(tmp_path) as card:
        for word in (b"one", b"two"):
            with PcieTransport(card.device) as transport:
                card.give(word)
                assert transport.receive(1) == word
                assert readers(card)
            assert not readers(card), "the reader holds the device"


def test_closing_ends_the_thread_and_both_devices(tmp_path):
    with Card(tmp_path) as card:
        transport = PcieTransport(card.device)
        assert transport.receive(0.01) == b""  # a read is under way now
        transport.close()
        transport.close()
        for use in (lambda: transport.send(b"x"), lambda: transport.receive(0)):
            with pytest.raises(TransportError, match=r"PCIe card .*xdma0 is closed"):
                use()
        card.give(b"too late")  # the read ends as the driver's would, some time later
        end = time.monotonic() + 5
        while readers(card) and time.monotonic() < end:
            time.sleep(0.01)
        assert not readers(card)
