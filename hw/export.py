"""Verilog of the accelerator: ``python -m hw.export --lanes 16 build/accelerator.v``."""

import argparse
from pathlib import Path

from golden.core_config import CoreConfig

__all__ = ["add_config_arguments", "config_from", "main", "verilog_of", "write_if_changed"]


def add_config_arguments(parser):
    """Add one option for every number of a configuration, defaults taken from `CoreConfig`."""
    group = parser.add_argument_group("configuration (maxima of the bitstream)")
    for name, value in CoreConfig().to_words().items():
        option = "--" + name.replace("_", "-")
        group.add_argument(option, type=int, default=value, metavar="N", help=f"default {value}")


def config_from(arguments):
    """Return the configuration that the options of `add_config_arguments` describe."""
    return CoreConfig.from_words(
        {name: getattr(arguments, name) for name in CoreConfig().to_words()}
    )


def verilog_of(component, name):
    """Return the Verilog text of `component` as a module `name`."""
    from amaranth.back import verilog

    return verilog.convert(component, name=name, emit_src=False, strip_internal_attrs=True)


def write_if_changed(path, text):
    """Write `text` to `path` unless it is there already; return whether it was written."""
    path = Path(path)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True


def main(arguments=None):
    """Write the Verilog of one configuration."""
    parser = argparse.ArgumentParser(prog="python -m hw.export", description=__doc__)
    parser.add_argument(
        "output", type=Path, help="file to write, left alone if it would not change"
    )
    pins = parser.add_mutually_exclusive_group()
    pins.add_argument(
        "--uart", type=int, metavar="BAUD", help="behind UART pins at this rate, not a byte stream"
    )
    pins.add_argument(
        "--pcie", type=int, metavar="BITS",
        help="behind AXI4-Stream pins of this width for a PCIe DMA core, not a byte stream",
    )  # fmt: skip
    parser.add_argument(
        "--clock", type=float, default=100e6, metavar="HZ", help="clock of --uart, default 100e6"
    )
    add_config_arguments(parser)
    options = parser.parse_args(arguments)
    config = config_from(options)
    if options.uart is not None:
        from hw.uart_accelerator import UartAccelerator

        text = verilog_of(UartAccelerator(config, options.clock, options.uart), "uart_accelerator")
    elif options.pcie is not None:
        from hw.pcie_accelerator import PcieAccelerator

        text = verilog_of(PcieAccelerator(config, options.pcie), "pcie_accelerator")
    else:
        from hw.accelerator import Accelerator

        text = verilog_of(Accelerator(config), "accelerator")
    written = write_if_changed(options.output, text)
    print(f"{options.output}: {'written' if written else 'unchanged'}")


if __name__ == "__main__":
    main()
