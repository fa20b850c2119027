"""Instructions of an interval, block by block: what the sequencer runs and the cycle model counts.

Names of operations, conditions and flags are those of `host.protocol.program`, which gives them
their codes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from golden.direct import PLANES
from golden.network import Block, Layer, Network
from golden.settings import Settings

LOOPS = ("FIRST", "NEXT", "LAST", "PREVIOUS")
"""Loop control: FIRST and LAST begin a loop over steps, upwards and downwards."""


class Instruction(NamedTuple):
    """One instruction.

    Attributes
    ----------
    op : str
        Name of the operation.
    layer : Layer or None
        None for loop control.
    when : tuple of str
        Conditions, of ``START``, ``LEARN``, ``UPDATE`` and ``INFER``, that must all hold.
    other : int
        Index of the layer that it reads besides, -1 for the input frame or none.
    flags : tuple of str
        Flags of the operation.
    passes : int
        Passes of the loop that FIRST or LAST begins; 0 for the steps of the interval.
    """

    op: str
    layer: Layer | None = None
    when: tuple[str, ...] = ()
    other: int = -1
    flags: tuple[str, ...] = ()
    passes: int = 0

    @property
    def corrected(self) -> bool:
        """Whether it uses the layer's constants for inference (`Settings.dropout_correction`)."""
        return "INFER" in self.when


def schedule(network: Network, settings: Settings) -> list[list[Instruction]]:
    """Return the instructions of each block, bottom to top."""
    return [block_schedule(block, network, settings) for block in network.blocks]


def block_schedule(block: Block, network: Network, settings: Settings) -> list[Instruction]:
    """Return the instructions of a block in their order; layers that settings freeze have fewer."""
    code = [Instruction("CLEAR", layer, ("START",)) for layer in block.all_layers]
    code += [
        Instruction("DROP", layer, ("LEARN",)) for layer in block.layers if settings.drops(layer)
    ]
    code += _drive(block.layers[0]) if block.layers[0].direct else []
    code += _forward(block, network, settings)
    flags = ["REPORT"] if block is network.blocks[-1] else []
    if settings.loss == "cross-entropy":
        softness = settings.temperature_shift
        flags += ["ENTROPY", *(["SOFT_1"] * (softness & 1)), *(["SOFT_2"] * (softness >> 1))]
    code.append(Instruction("LOSS", block.classifier, flags=tuple(flags)))
    code += _backward(block, settings)
    code += [
        Instruction("UPDATE", layer, ("LEARN", "UPDATE"))
        for layer in reversed(block.all_layers)
        if settings.learns(layer)
    ]
    return code


def _drive(layer: Layer) -> list[Instruction]:
    return [
        Instruction("LIF", layer, flags=("PARK",)),
        Instruction("FIRST", passes=PLANES),
        Instruction("FORWARD", layer, other=layer.source),
        Instruction("LIF", layer, flags=("HALVE",)),
        Instruction("NEXT"),
        Instruction("LIF", layer, flags=("RESTORE",)),
    ]


def _forward(block: Block, network: Network, settings: Settings) -> list[Instruction]:
    code = [Instruction("FIRST")]
    for layer in block.all_layers:
        flags = ["COUNT" if layer is block.classifier else "SPIKES", "MASKS"]
        if layer.direct:
            flags.append("DRIVE")
        else:
            op = "POOL" if layer.kind == "pool" else "FORWARD"
            code.append(Instruction(op, layer, other=layer.source))
        if settings.drops(layer):
            flags.append("DROP")
        if settings.corrects(layer, network):
            code.append(Instruction("LIF", layer, ("LEARN",), flags=tuple(flags)))
            code.append(Instruction("LIF", layer, ("INFER",), flags=tuple(flags)))
        else:
            code.append(Instruction("LIF", layer, flags=tuple(flags)))
    return [*code, Instruction("NEXT")]


def _backward(block: Block, settings: Settings) -> list[Instruction]:
    learn, layers, bottom = ("LEARN",), block.all_layers, block.layers[0]
    code = [Instruction("LAST", when=learn)]
    for position in range(len(layers) - 1, -1, -1):
        layer, above = layers[position], (*layers, None)[position + 1]
        flags, other = [], -1
        if layer is block.classifier:
            flags.append("LOSS")
        if layer.kind == "pool":
            flags.append("COPY")
        if above is not None and above.kind == "pool":
            flags.append("POOLED")
            other = above.index
        code.append(Instruction("ERROR", layer, learn, other, tuple(flags)))
        if settings.learns(layer):
            if layer.direct:
                code.append(Instruction("ERROR", layer, learn, flags=("SUM",)))
            else:
                code.append(Instruction("GRADIENT", layer, learn, layer.source))
        if layer.has_weights and layer is not bottom:
            code.append(Instruction("BACKWARD", layer, learn, layer.source))
    code.append(Instruction("PREVIOUS", when=learn))
    if bottom.direct and settings.learns(bottom):
        code += [
            Instruction("LAST", when=learn, passes=PLANES),
            Instruction("ERROR", bottom, learn, flags=("PLANE",)),
            Instruction("GRADIENT", bottom, learn, bottom.source),
            Instruction("PREVIOUS", when=learn),
        ]
    return code


def executed(code: list[Instruction], steps: int, holds: set[str]) -> Iterator[Instruction | None]:
    """Yield the instructions of a block as they are fetched; None for one that is not started.

    Parameters
    ----------
    code : list of Instruction
        From `block_schedule`.
    steps : int
        Steps of the interval.
    holds : set of str
        Conditions that hold.
    """
    position = count = passes = loop = 0
    while position < len(code):
        instruction = code[position]
        position += 1
        if not holds.issuperset(instruction.when):
            yield None
        elif instruction.op in LOOPS:
            yield None
            if instruction.op in ("FIRST", "LAST"):
                count, loop, passes = 1, position, instruction.passes or steps
            elif count < passes:
                count, position = count + 1, loop
        else:
            yield instruction
