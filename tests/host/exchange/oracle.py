"""Networks of snnTorch and the spikes of all their layers, to compare with."""

import numpy as np
import torch
from snntorch import Leaky

from golden.reference.recursion import FloatModel
from golden.settings import Settings
from golden.trace import Trace

BETA = 0.9


def leaky(*shape, threshold, beta=BETA, **options):
    """snn.Leaky with constants of every neuron, without which a NIR file has no shapes."""
    return Leaky(
        beta=torch.full(shape, beta), threshold=torch.full(shape, threshold), init_hidden=True,
        **options,
    )  # fmt: skip


def conv(inputs, outputs, kernel, scale=1.0, **options):
    return _scaled(torch.nn.Conv2d(inputs, outputs, kernel, bias=False, **options), scale)


def dense(inputs, outputs, scale=1.0):
    return _scaled(torch.nn.Linear(inputs, outputs, bias=False), scale)


def _scaled(module, scale):
    with torch.no_grad():
        module.weight *= scale
    return module


def recording(shape, steps, seed, rate=0.15):
    return (np.random.default_rng(seed).random((steps, *shape)) < rate).astype(np.uint8)


@torch.no_grad()
def torch_spikes(module, frames, batch=True):
    """Spikes of every Leaky in the order of the network, channel-last like ours."""
    layers = [part for part in module.modules() if isinstance(part, Leaky)]
    spikes = [[] for _ in layers]
    hooks = [
        layer.register_forward_hook(lambda _m, _i, out, mine=mine: mine.append(_first(out)))
        for layer, mine in zip(layers, spikes, strict=True)
    ]
    for layer in layers:
        layer.reset_mem()
    for frame in torch.tensor(frames.transpose(0, 3, 1, 2), dtype=torch.float32):
        module(frame[None] if batch else frame)
    for hook in hooks:
        hook.remove()
    return [_ours(torch.stack(mine).numpy(), batch) for mine in spikes]


def _first(out):
    return out[0] if isinstance(out, tuple) else out


def _ours(spikes, batch):
    if batch:
        spikes = spikes[:, 0]
    if spikes.ndim == 2:
        spikes = spikes[:, :, None, None]
    return spikes.transpose(0, 2, 3, 1).astype(np.uint8)


def our_spikes(network, weights, frames):
    """Spikes of hidden layers and last classifier of the float model."""
    trace = Trace()
    model = FloatModel(network, Settings(), weights)
    model.run_interval(frames, 0, start=True, learn=False, trace=trace)
    layers = [layer for block in network.blocks for layer in block.layers]
    return [trace[0, layer.name, "s"] for layer in [*layers, network.resolved[-1]]]
