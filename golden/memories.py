"""Memories of a core, what a placed network uses of them, and what training adds to inference."""

from __future__ import annotations

from dataclasses import dataclass

from golden.layout import Layout, place

PACKETS = "packets"
"""Receive buffer of the link: the payload of one packet. Responses are sent as they are read."""

TRAINING_ONLY = ("momentum", "gamma", "delta", "masks", "keep")
"""Memories that inference has no use for."""


@dataclass(frozen=True)
class MemoryUse:
    """One memory.

    Attributes
    ----------
    used, depth : int
        Rows the network uses, and rows there are.
    width : int
        Row width [bits].
    useful : int
        Bits that belong to a weight, neuron or list entry of the network.
    """

    name: str
    used: int
    depth: int
    width: int
    useful: int

    @property
    def bits(self) -> int:
        """Bits of the whole memory."""
        return self.depth * self.width


def memory_use(layout: Layout) -> list[MemoryUse]:
    """Return the memories of the core with what a placed network uses of them."""
    config, network, needs = layout.config, layout.network, layout.needs
    f = config.formats
    neurons = sum(layer.neurons for layer in network.resolved)
    block = max(sum(layer.neurons for layer in b.all_layers) for b in network.blocks)
    used = {
        "weights": (needs["weight_rows"], network.stored_weights * f.weight),
        "momentum": (needs["weight_rows"], network.stored_weights * f.gradient),
        "state": (needs["neuron_words"], neurons * f.state),
        "gamma": (needs["error_words"], block * f.gamma),
        "delta": (
            needs["error_words"] + needs["drive_words"],
            (block + sum(x.neurons for x in network.resolved if x.direct)) * f.delta,
        ),
        "keep": (needs["error_words"], block),
        "spikes": (needs["spike_words"], needs["spike_words"] * config.entry_bits),
        "masks": (needs["mask_words"], needs["mask_words"] * config.entry_bits),
        "frames": (2 * needs["frame_words"], 2 * needs["frame_words"] * config.entry_bits),
    }
    uses = [
        MemoryUse(name, used[name][0], depth, width, used[name][1])
        for name, (depth, width) in config.memory_shapes.items()
    ]
    depth = config.packet_bytes
    return [*uses, MemoryUse(PACKETS, depth, depth, 8, depth * 8)]


def training_over_inference(layout: Layout) -> tuple[float, float]:
    """Return bits of training memory over bits of inference memory, two ways.

    Of the rows that the network uses, and of the memories as they are built. An accelerator that
    only infers has no `TRAINING_ONLY` memory and can take one step at a time through all layers:
    its spike lists and frame buffers then hold one step.
    """
    one = place(layout.network, layout.config, 1).needs
    steps = {"spikes": one["spike_words"], "frames": 2 * one["frame_words"]}
    uses = memory_use(layout)
    inference = [use for use in uses if use.name not in TRAINING_ONLY]
    taken = sum(use.used * use.width for use in uses)
    needed = sum(steps.get(use.name, use.used) * use.width for use in inference)
    built = sum(use.bits for use in uses)
    lean = sum(steps.get(use.name, use.depth) * use.width for use in inference)
    return taken / needed, built / lean
