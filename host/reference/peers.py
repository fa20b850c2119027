"""LeNet-1 as snnTorch and SpikingJelly users write it, for the comparison of speed.

Both train by plain back-propagation through time, the reference's case k = T, n = all: same layers,
neurons after the pools too, soft reset, leak, threshold; each with its library's own surrogate.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from golden.neuron import Lif

Step = Callable[[torch.Tensor, torch.Tensor], object]
"""Trains on one batch: frames (T, B, C, H, W), classes (B,)."""

CHANNELS, CLASSES = 2, 10

MISSING = {
    "snntorch": "pip install --no-deps snntorch nir nirtorch",
    "spikingjelly": "pip install --no-deps spikingjelly loguru",
}
"""How to install each; without dependencies, which would replace a CPU build of torch."""


def available(name: str) -> bool:
    """Return whether a library can be imported."""
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


def _train(net: nn.Module, rate: float, prepare: Callable[[nn.Module], object]) -> Step:
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)

    def step(frames: torch.Tensor, labels: torch.Tensor) -> None:
        prepare(net)
        mean = net(frames.float()).mean(0)
        wanted = functional.one_hot(labels, CLASSES).float()
        loss = functional.mse_loss(mean, wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def snntorch_step(lif: Lif, rate: float) -> Step:
    """Return a training step of snnTorch: a module per layer, a loop over time."""
    snn: Any = importlib.import_module("snntorch")
    surrogate: Any = importlib.import_module("snntorch.surrogate")

    def leaky() -> nn.Module:
        neuron: nn.Module = snn.Leaky(
            beta=lif.tau, threshold=lif.u_th, reset_mechanism="subtract",
            spike_grad=surrogate.fast_sigmoid(),
        )  # fmt: skip
        return neuron

    class LeNet1(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.synapses = nn.ModuleList(
                [
                    nn.Conv2d(CHANNELS, 6, 5, padding=2, bias=False), nn.AvgPool2d(2),
                    nn.Conv2d(6, 16, 5, bias=False), nn.AvgPool2d(2),
                    nn.Conv2d(16, 120, 5, bias=False),
                    nn.Sequential(nn.Flatten(), nn.Linear(120, 84, bias=False)),
                    nn.Linear(84, CLASSES, bias=False),
                ]
            )  # fmt: skip
            self.neurons = nn.ModuleList(leaky() for _ in self.synapses)

        def forward(self, frames: torch.Tensor) -> torch.Tensor:
            potentials = [neuron.init_leaky() for neuron in self.neurons]  # type: ignore[operator]
            spikes = []
            for x in frames:
                for i, (synapse, neuron) in enumerate(
                    zip(self.synapses, self.neurons, strict=True)
                ):
                    x, potentials[i] = neuron(synapse(x), potentials[i])
                spikes.append(x)
            return torch.stack(spikes)

    return _train(LeNet1(), rate, lambda net: None)


def spikingjelly_step(lif: Lif, rate: float) -> Step:
    """Return a training step of SpikingJelly: all steps at once, layer by layer."""
    base = "spikingjelly.activation_based"
    neuron: Any = importlib.import_module(f"{base}.neuron")
    layer: Any = importlib.import_module(f"{base}.layer")
    surrogate: Any = importlib.import_module(f"{base}.surrogate")
    tools: Any = importlib.import_module(f"{base}.functional")

    def leaky() -> nn.Module:  # v += (−v)/tau' + x leaks by 1 − 1/tau'
        made: nn.Module = neuron.LIFNode(
            tau=1 / (1 - lif.tau), decay_input=False, v_threshold=lif.u_th, v_reset=None,
            surrogate_function=surrogate.ATan(), step_mode="m",
        )  # fmt: skip
        return made

    net = nn.Sequential(
        layer.Conv2d(CHANNELS, 6, 5, padding=2, bias=False), leaky(), layer.AvgPool2d(2), leaky(),
        layer.Conv2d(6, 16, 5, bias=False), leaky(), layer.AvgPool2d(2), leaky(),
        layer.Conv2d(16, 120, 5, bias=False), leaky(), layer.Flatten(),
        layer.Linear(120, 84, bias=False), leaky(), layer.Linear(84, CLASSES, bias=False), leaky(),
    )  # fmt: skip
    tools.set_step_mode(net, "m")
    return _train(net, rate, tools.reset_net)
