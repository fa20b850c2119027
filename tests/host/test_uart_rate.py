"""Changing the rate of a UART: both ends, and back when nothing passes."""

import pytest

from host import uart_rate
from host.driver import LinkBoard, open_board
from host.link import LinkError
from host.protocol.packets import Packet
from host.transport.base import TransportError
from host.transport.faults import FaultyTransport
from host.transport.sim import SimTransport
from host.transport.uart import UartTransport
from host.uart_rate import RateError, UartClock, change, uart_of
from tests.host.boards import CONFIG, library, sim
from tests.host.uart_model import CLOCK, OWN, UartModel

UART = UartClock(100_000_000, 1966)


def board(**options):
    return LinkBoard(UartModel(SimTransport(library()), **options), CONFIG)


@pytest.mark.parametrize("baud", [152_600, 230_400, 3_000_000, 12_000_000, 19_900_000])
def test_rates_are_made_within_half_a_percent(baud):
    assert abs(UART.baud(UART.step(baud)) / baud - 1) < 0.005


@pytest.mark.parametrize("baud", [115_200, 21_000_000])
def test_rates_out_of_reach_are_refused(baud):
    with pytest.raises(ValueError, match=rf"152588 to 19999695 with .* 100000000 Hz, not {baud}"):
        UART.step(baud)


@pytest.mark.cosim
def test_both_ends_change():
    with board() as one:
        uart = uart_of(one)
        assert uart == UartClock(CLOCK, round(OWN * 2**16 / CLOCK))
        for baud in (1_000_000, 12_000_000, OWN):
            change(one, uart, baud, OWN)
            assert one.transport.rate == baud
            assert one.transport.board_rate == pytest.approx(baud, rel=0.005)
            assert one.link.request(Packet.ECHO, b"x") == b"x"
        assert one.transport.used == [OWN, 1_000_000, 12_000_000, OWN]


@pytest.mark.cosim
def test_a_rate_at_which_nothing_passes_is_left():
    with board(carries=4_000_000) as one:
        with pytest.raises(RateError, match="modelled UART gets no answer at 6000000 baud"):
            change(one, uart_of(one), 6_000_000, OWN)
        assert one.transport.rate == OWN
        assert one.registers()["uart_step"] == one.transport.own


@pytest.mark.cosim
def test_a_rate_that_the_port_lacks_changes_nothing():
    with board(lacks=(6_000_000,)) as one:
        with pytest.raises(TransportError, match="does not have 6000000 baud"):
            change(one, uart_of(one), 6_000_000, OWN)
        assert one.transport.used == [OWN]
        assert one.registers()["uart_step"] == one.transport.own


@pytest.mark.cosim
def test_a_board_that_stays_away_is_an_error(monkeypatch):
    monkeypatch.setattr(uart_rate, "UART_FALLBACK_SECONDS", 0.05)
    with board(carries=4_000_000, stuck=True) as one, pytest.raises(LinkError, match="not answer"):
        change(one, uart_of(one), 6_000_000, OWN)


@pytest.mark.cosim
def test_other_links_have_no_rate():
    with sim() as one:
        assert uart_of(one) is None
        with pytest.raises(TransportError, match="virtual board has no bit rate"):
            one.transport.set_rate(115_200)


def test_the_rate_of_a_serial_port_changes():
    with FaultyTransport(UartTransport("loop://", 115_200)) as port:
        assert port.rate == 115_200
        port.set_rate(230_400)
        assert port.rate == port.inner.rate == 230_400
        assert port.now() > 0
        with pytest.raises(TransportError, match="loop:// does not have -1 baud"):
            port.set_rate(-1)
        assert port.inner.rate == 230_400


def test_a_board_s_name_may_tell_the_rate(monkeypatch):
    opened = []

    def port(device, baud):
        opened.append((device, baud))
        raise TransportError("no port")

    monkeypatch.setattr("host.driver.UartTransport", port)
    for name in ("uart:/dev/a", "uart:/dev/a,115200"):
        with pytest.raises(TransportError, match="no port"):
            open_board(name, baud=3_000_000)
    assert opened == [("/dev/a", 3_000_000), ("/dev/a", 115_200)]
