"""The accelerator behind the AXI4-Stream pins of a PCIe DMA core."""

from amaranth.hdl import ClockDomain, ClockSignal, DomainRenamer, Module, Signal
from amaranth.lib.cdc import ResetSynchronizer
from amaranth.lib.fifo import AsyncFIFOBuffered
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig
from hw.accelerator import Accelerator
from hw.link.axi_stream import AxiStreamPacker, AxiStreamUnpacker, beat_layout

__all__ = ["PcieAccelerator"]

FIFO_DEPTH = 33
"""Bytes of each FIFO between the clocks: 32, as deep as distributed RAM of 7 series parts, and the
output register. Full speed needs as many as a pointer takes there and back, about 8."""


class PcieAccelerator(Component):
    """Accelerator with AXI4-Stream pins, named to meet those of AMD's XDMA.

    Bytes cross between the clock of the DMA core and that of the accelerator, which need not be
    related. Either reset acts on both sides, so that the FIFOs' pointers agree: it ends at each
    clock's own edges. Memories keep their contents.

    Parameters
    ----------
    config : CoreConfig
        Maxima and formats.
    width : int
        Of tdata, see `hw.link.axi_stream.WIDTHS` [bits].
    result_timeout, core
        See `Accelerator`.

    Members
    -------
    clk, rst : In(1)
        Clock of the accelerator, and a reset that may come at any time.
    axi_aclk, axi_aresetn : In(1)
        Clock of the DMA core, and its reset, active low.
    s_axis_h2c_tdata, s_axis_h2c_tkeep, s_axis_h2c_tlast, s_axis_h2c_tvalid, s_axis_h2c_tready
        Host to card, to the pins ``m_axis_h2c_*_0`` of XDMA; tlast means nothing.
    m_axis_c2h_tdata, m_axis_c2h_tkeep, m_axis_c2h_tlast, m_axis_c2h_tvalid, m_axis_c2h_tready
        Card to host, to the pins ``s_axis_c2h_*_0`` of XDMA; tlast ends every response.
    alive, training, error : Out(1)
        See `Accelerator`; with its clock.

    Raises
    ------
    ValueError
        See `hw.link.axi_stream.beat_layout`.
    """

    def __init__(self, config: CoreConfig, width: int, *, result_timeout=1 << 20, core=None):
        self._width = width
        self._accelerator = Accelerator(config, result_timeout=result_timeout, core=core)
        beat_layout(width)
        beat = {"tdata": width, "tkeep": width // 8, "tlast": 1, "tvalid": 1}
        super().__init__(
            {
                "clk": In(1),
                "rst": In(1),
                "axi_aclk": In(1),
                "axi_aresetn": In(1),
                **{f"s_axis_h2c_{name}": In(bits) for name, bits in beat.items()},
                "s_axis_h2c_tready": Out(1),
                **{f"m_axis_c2h_{name}": Out(bits) for name, bits in beat.items()},
                "m_axis_c2h_tready": In(1),
                "alive": Out(1),
                "training": Out(1),
                "error": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = ClockDomain()
        m.domains.axi = ClockDomain()
        in_axi = DomainRenamer("axi")
        m.submodules.unpacker = unpacker = in_axi(AxiStreamUnpacker(self._width))
        m.submodules.packer = packer = in_axi(AxiStreamPacker(self._width))
        m.submodules.h2c = h2c = AsyncFIFOBuffered(
            width=8, depth=FIFO_DEPTH, exact_depth=True, w_domain="axi", r_domain="sync"
        )
        m.submodules.c2h = c2h = AsyncFIFOBuffered(
            width=8, depth=FIFO_DEPTH, exact_depth=True, w_domain="sync", r_domain="axi"
        )
        m.submodules.accelerator = accelerator = self._accelerator

        reset = Signal()
        m.submodules.sync_reset = ResetSynchronizer(reset, domain="sync")
        m.submodules.axi_reset = ResetSynchronizer(reset, domain="axi")
        m.d.comb += [
            ClockSignal("sync").eq(self.clk),
            ClockSignal("axi").eq(self.axi_aclk),
            reset.eq(self.rst | ~self.axi_aresetn),
            self.alive.eq(accelerator.alive),
            self.training.eq(accelerator.training),
            self.error.eq(accelerator.error),
        ]
        # Host to card
        m.d.comb += [
            unpacker.i.p.data.eq(self.s_axis_h2c_tdata),
            unpacker.i.p.keep.eq(self.s_axis_h2c_tkeep),
            unpacker.i.p.last.eq(self.s_axis_h2c_tlast),
            unpacker.i.valid.eq(self.s_axis_h2c_tvalid),
            self.s_axis_h2c_tready.eq(unpacker.i.ready),
            h2c.w_data.eq(unpacker.o.payload),
            h2c.w_en.eq(unpacker.o.valid),
            unpacker.o.ready.eq(h2c.w_rdy),
            accelerator.rx.payload.eq(h2c.r_data),
            accelerator.rx.valid.eq(h2c.r_rdy),
            h2c.r_en.eq(accelerator.rx.ready),
        ]
        # Card to host
        m.d.comb += [
            c2h.w_data.eq(accelerator.tx.payload),
            c2h.w_en.eq(accelerator.tx.valid),
            accelerator.tx.ready.eq(c2h.w_rdy),
            packer.i.payload.eq(c2h.r_data),
            packer.i.valid.eq(c2h.r_rdy),
            c2h.r_en.eq(packer.i.ready),
            self.m_axis_c2h_tdata.eq(packer.o.p.data),
            self.m_axis_c2h_tkeep.eq(packer.o.p.keep),
            self.m_axis_c2h_tlast.eq(packer.o.p.last),
            self.m_axis_c2h_tvalid.eq(packer.o.valid),
            packer.o.ready.eq(self.m_axis_c2h_tready),
        ]
        return m
