"""AMD's DMA core XDMA (PG195) as an instance, and what Vivado is told to make it.

Names of properties and ports are those of version 4.1 of the core on 7 series parts with streams;
the values are those of the sample project of LiteFury and NiteFury
(https://github.com/RHSResearchLLC/NiteFury-and-LiteFury), but streams in place of a memory map.
"""

from amaranth.hdl import Const, Instance

NAME = "xdma_0"
"""Module that Vivado makes."""

WIDTH = 128
"""Of tdata at four lanes of 5 GT/s, with a clock of 125 MHz [bits]."""

BLOCK_RAMS = 40
"""Kept free for the core. An assumption, for lack of a published figure for 7 series parts;
Vivado's report says what it takes."""

PROPERTIES = {
    "mode_selection": "Advanced",
    "functional_mode": "DMA",
    "xdma_axi_intf_mm": "AXI_Stream",
    "pl_link_cap_max_link_width": "X4",
    "pl_link_cap_max_link_speed": "5.0_GT/s",
    "ref_clk_freq": "100_MHz",
    "pcie_blk_locn": "X0Y0",
    "axi_data_width": f"{WIDTH}_bit",
    "axisten_freq": "125",
    "xdma_rnum_chnl": "1",
    "xdma_wnum_chnl": "1",
    "xdma_num_usr_irq": "1",
    "axilite_master_en": "false",
    "cfg_mgmt_if": "false",
    "vendor_id": "10EE",
    "pf0_device_id": "7024",
}
"""Properties ``CONFIG.*`` of the IP; the driver knows 10EE:7024."""


def ip_script() -> str:
    """Return the Tcl that makes the core; a property that is not taken ends it.

    The core is synthesised with the design, not on its own: so its cells and clocks are there for
    what follows, and Vivado puts no buffers between its pins and those of the transceivers.
    """
    lines = "\n".join(f"    CONFIG.{name} {{{value}}}" for name, value in PROPERTIES.items())
    return f"""\
set wanted {{
{lines}
}}
create_ip -name xdma -vendor xilinx.com -library ip -module_name {NAME}
set_property -dict $wanted [get_ips {NAME}]
foreach {{name value}} $wanted {{
    if {{[get_property $name [get_ips {NAME}]] ne $value}} {{
        puts "ERROR: {NAME} has $name [get_property $name [get_ips {NAME}]], not $value"
        exit 1
    }}
}}
set_property GENERATE_SYNTH_CHECKPOINT FALSE [get_files {NAME}.xci]
generate_target all [get_ips {NAME}]
"""


def place_script(channels: tuple[str, ...]) -> str:
    """Return the Tcl that puts each lane's transceiver where the card has it.

    The core's own constraints have them in order; they are taken back first.
    """
    sites = " ".join(f"{lane} {site}" for lane, site in enumerate(channels))
    return f"""\
array set sites {{{sites}}}
set placed 0
set transceivers [get_cells -hier -filter {{NAME =~ *gtp_channel.gtpe2_channel_i}}]
reset_property -quiet LOC $transceivers
foreach cell $transceivers {{
    if {{[regexp {{pipe_lane.(\\d+).\\.}} $cell -> lane] && [info exists sites($lane)]}} {{
        set_property LOC $sites($lane) $cell
        incr placed
    }}
}}
if {{$placed != {len(channels)}}} {{
    puts "ERROR: $placed of {len(channels)} transceivers of {NAME} are found: $transceivers"
    exit 1
}}
"""


def clocks_script(own: str, period: float) -> str:
    """Return the Tcl that bounds the paths between the board's clocks and the core's.

    Parameters
    ----------
    own : str
        Clock of the oscillator; the accelerator's is made from it.
    period : float
        Of the faster side [ns].
    """
    return f"""\
set own [get_clocks -include_generated_clocks {own}]
set others {{}}
foreach clock [all_clocks] {{
    if {{[lsearch -exact $own $clock] < 0}} {{ lappend others $clock }}
}}
set_max_delay -datapath_only {period:g} -from $own -to $others
set_max_delay -datapath_only {period:g} -from $others -to $own
"""


def instance(accelerator, clock, reset_n, pcie, link_up) -> Instance:
    """Return the core between the pins of a card and an accelerator.

    Parameters
    ----------
    accelerator : PcieAccelerator
        Of `WIDTH` bits.
    clock, reset_n : Signal
        Reference clock behind its buffer, and PERST.
    pcie : PortGroup
        With the pairs ``rx`` and ``tx``.
    link_up : Signal
        High while the link is.
    """
    to_card = {name: getattr(accelerator, f"s_axis_h2c_{name}") for name in
               ("tdata", "tkeep", "tlast", "tvalid")}  # fmt: skip
    to_host = {name: getattr(accelerator, f"m_axis_c2h_{name}") for name in
               ("tdata", "tkeep", "tlast", "tvalid")}  # fmt: skip
    return Instance(
        NAME,
        i_sys_clk=clock,
        i_sys_rst_n=reset_n,
        i_pci_exp_rxp=pcie.rx.p,
        i_pci_exp_rxn=pcie.rx.n,
        o_pci_exp_txp=pcie.tx.p,
        o_pci_exp_txn=pcie.tx.n,
        o_user_lnk_up=link_up,
        o_axi_aclk=accelerator.axi_aclk,
        o_axi_aresetn=accelerator.axi_aresetn,
        i_usr_irq_req=Const(0, 1),
        **{f"o_m_axis_h2c_{name}_0": signal for name, signal in to_card.items()},
        i_m_axis_h2c_tready_0=accelerator.s_axis_h2c_tready,
        **{f"i_s_axis_c2h_{name}_0": signal for name, signal in to_host.items()},
        o_s_axis_c2h_tready_0=accelerator.m_axis_c2h_tready,
    )
