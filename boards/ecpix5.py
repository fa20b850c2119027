"""ECPIX-5, the variant with an ECP5-5G-85F: http://docs.lambdaconcept.com/ecpix-5."""

from boards.board import Ecp5Board, Pin
from boards.ulx3s import LENET_RANDOM


class Ecpix5(Ecp5Board):
    """ECPIX-5 with LFE5UM5G-85F, speed grade 8."""

    name = "ecpix5"
    title = "LambdaConcept ECPIX-5 (85F)"
    part = "lfe5um5g-85f"
    platform_class = "amaranth_boards.ecpix5:ECPIX585Platform"
    clock_name = "clk100"
    clock = 100_000_000
    target = 100_000_000  # that of the ULX3S, whose part is slower
    baud = 3_000_000
    uart_note = "USB (FT2232H, second channel)"
    reset = Pin("rst")
    leds = (Pin("rgb_led", 0, "g"), Pin("rgb_led", 1, "b"), Pin("rgb_led", 2, "r"))
    config = LENET_RANDOM
    loader = ("--board", "ecpix5")  # that of the FT2232H; --loader-board ecpix5_r03: FT4232H
