"""Top of the virtual board: the accelerator with its reset behind a flip-flop."""

from amaranth.hdl import ClockDomain, ClockSignal, Module, ResetSignal, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from hw.accelerator import Accelerator

__all__ = ["VirtualBoardTop"]


class VirtualBoardTop(Component):
    """Accelerator for a Verilated model.

    Verilator evaluates what depends on an input of the top in every call, twice per cycle. The
    reset reaches the next state of every register; behind a flip-flop it costs nothing, which
    doubles the speed.

    Parameters
    ----------
    accelerator : Accelerator

    Members
    -------
    clk, rst : In(1)
        Clock, and a reset that acts one cycle later.
    rx, tx, alive, training, error
        Those of the accelerator.
    """

    def __init__(self, accelerator: Accelerator):
        self._accelerator = accelerator
        super().__init__(
            {
                "clk": In(1),
                "rst": In(1),
                "rx": In(stream.Signature(8)),
                "tx": Out(stream.Signature(8)),
                "alive": Out(1),
                "training": Out(1),
                "error": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.domains.board = ClockDomain(reset_less=True)
        m.domains.sync = ClockDomain()
        m.submodules.accelerator = accelerator = self._accelerator
        reset = Signal()

        connect(m, flipped(self.rx), accelerator.rx)
        connect(m, accelerator.tx, flipped(self.tx))
        m.d.board += reset.eq(self.rst)
        m.d.comb += [
            ClockSignal("board").eq(self.clk),
            ClockSignal("sync").eq(self.clk),
            ResetSignal("sync").eq(reset),
            self.alive.eq(accelerator.alive),
            self.training.eq(accelerator.training),
            self.error.eq(accelerator.error),
        ]
        return m
