"""ULX3S, the variant with an ECP5-85F: https://radiona.org/ulx3s."""

from boards.board import Ecp5Board, Pin
from golden.core_config import CoreConfig

LENET_RANDOM = CoreConfig(
    lanes=8,
    pack_max=2,
    weight_rows=7680,
    neuron_words=1280,
    error_words=1024,
    drive_words=0,
    spike_words=2816,
    mask_words=10240,
    frame_words=2048,
    class_groups=8,
)
"""LeNet-1 for events with random classifiers, k = 10: 192 of the 208 block RAMs of an ECP5-85. With
trained classifiers and these formats it needs 229."""


class Ulx3s(Ecp5Board):
    """ULX3S with LFE5U-85F, speed grade 6."""

    name = "ulx3s"
    title = "Radiona ULX3S (85F)"
    part = "lfe5u-85f"
    platform_class = "amaranth_boards.ulx3s:ULX3S_85F_Platform"
    clock_name = "clk25"
    clock = 25_000_000
    target = 100_000_000  # docs/boards.md tells what P = 8 reaches
    baud = 3_000_000  # the most that the FT231X makes
    uart_note = "USB (FT231X)"
    leds = (Pin("led", 0), Pin("led", 1), Pin("led", 2))
    high = (Pin("esp32", 0, "gpio0"),)  # the ESP32 restarts the board when it is low
    reset = Pin("button_fire", 0)
    config = LENET_RANDOM
    loader = ("--board", "ulx3s")
