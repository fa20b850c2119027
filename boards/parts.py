"""Limits of FPGA parts, as pure data from the vendors' tables."""

from dataclasses import dataclass

from hw.tiling import Shape, block_rams


@dataclass(frozen=True)
class Part:
    """What a part has.

    Attributes
    ----------
    name : str
        Vendor's name.
    lut : int
        Look-up tables (6-input on Artix-7, 4-input on ECP5).
    ram : int
        Block RAMs of `ram_bits` each.
    ram_shapes : tuple of (depth, width)
        Simple dual-port shapes of one block RAM; those of half a block RAM are in `half_shapes`.
    dsp : int
        Multiplier blocks.
    multiplier : int
        Widest signed operand of one [bits].
    """

    name: str
    lut: int
    ram: int
    ram_bits: int
    ram_shapes: tuple[tuple[int, int], ...]
    half_shapes: tuple[tuple[int, int], ...]
    dsp: int
    multiplier: int

    @property
    def family(self) -> str:
        """``xc7`` or ``ecp5``."""
        return "xc7" if self.name.startswith("xc7") else "ecp5"

    @property
    def ff(self) -> int:
        """Flip-flops: two beside each look-up table on Artix-7, one on ECP5."""
        return self.lut * (2 if self.family == "xc7" else 1)

    @property
    def tiles(self) -> tuple[Shape, ...]:
        """Shapes that the memories are cut into, see `hw.tiling`; on Artix-7 the tools choose."""
        if self.family == "xc7":
            return ()
        return tuple(Shape(depth, width) for depth, width in self.ram_shapes)

    def rams(self, depth: int, width: int, banks: int | None = None) -> float:
        """Return the block RAMs one memory takes, halves counted as 0.5, in its best shape.

        `banks` is for parts with `tiles`, see `hw.tiling.tiles`.
        """
        if self.tiles:
            return block_rams(depth, width, self.tiles, banks)
        costs = [
            (1.0, shapes_depth, shapes_width) for shapes_depth, shapes_width in self.ram_shapes
        ] + [(0.5, shapes_depth, shapes_width) for shapes_depth, shapes_width in self.half_shapes]
        return min(cost * -(-depth // d) * -(-width // w) for cost, d, w in costs)


_RAMB36 = ((512, 72), (1024, 36), (2048, 18), (4096, 9), (8192, 4), (16384, 2), (32768, 1))
_RAMB18 = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
_EBR = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))

PARTS = {
    # AMD DS180, 7 Series FPGAs Overview, table "Artix-7 FPGA Feature Summary"
    "xc7a35t": Part("xc7a35t", 20_800, 50, 36_864, _RAMB36, _RAMB18, 90, 25),
    "xc7a100t": Part("xc7a100t", 63_400, 135, 36_864, _RAMB36, _RAMB18, 240, 25),
    "xc7a200t": Part("xc7a200t", 134_600, 365, 36_864, _RAMB36, _RAMB18, 740, 25),
    # Lattice FPGA-DS-02012, ECP5 and ECP5-5G Family Data Sheet, table 1.1
    "lfe5u-85f": Part("lfe5u-85f", 83_640, 208, 18_432, _EBR, (), 156, 18),
    "lfe5um5g-85f": Part("lfe5um5g-85f", 83_640, 208, 18_432, _EBR, (), 156, 18),
}
"""Parts by lower-case name."""

LARGEST = {"xc7": PARTS["xc7a200t"], "ecp5": PARTS["lfe5u-85f"]}
"""The largest part of each family; what yosys makes of a design is the same for all of them."""
