"""Arty A7 with 35T and 100T: https://digilent.com/reference/programmable-logic/arty-a7."""

from boards.board import Artix7Board, Pin
from golden.core_config import CoreConfig


class ArtyA7(Artix7Board):
    """What the two variants share.

    Their parts are those of Digilent's board files: xc7a35ticsg324-1L and xc7a100tcsg324-1.
    """

    clock_name = "clk100"
    clock = 100_000_000
    target = 100_000_000
    baud = 12_000_000
    uart_note = "USB (FT2232H, second channel)"
    reset = Pin("rst")
    leds = (Pin("led", 0), Pin("led", 1), Pin("led", 2))


class ArtyA7T35(ArtyA7):
    """Arty A7-35T: LeNet-1 does not fit, the small networks do."""

    name = "arty_a7_35"
    title = "Digilent Arty A7-35T"
    part = "xc7a35t"
    platform_class = "boards.artix7_platforms:ArtyA7T35Platform"
    openxc7_part = "xc7a35tcsg324-1"
    loader = ("--board", "arty_a7_35t")
    config = CoreConfig(
        lanes=8,
        pack_max=2,
        weight_rows=3072,
        neuron_words=512,
        error_words=512,
        drive_words=512,
        spike_words=2048,
        mask_words=4096,
        frame_words=1024,
        class_groups=8,
    )


class ArtyA7T100(ArtyA7):
    """Arty A7-100T: the default configuration, LeNet-1 at P = 16."""

    name = "arty_a7_100"
    title = "Digilent Arty A7-100T"
    part = "xc7a100t"
    platform_class = "boards.artix7_platforms:ArtyA7T100Platform"
    openxc7_part = "xc7a100tcsg324-1"
    config = CoreConfig()
    loader = ("--board", "arty_a7_100t")
