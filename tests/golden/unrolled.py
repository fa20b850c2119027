"""Oracle of the float reference: an unrolled network, written plainly, that torch differentiates.

Neuron by time step, in the order of the equations; nothing is shared with `golden.reference` but
the network description.
"""

import math

import torch
from torch.nn import functional as F


class Spike(torch.autograd.Function):
    """Heaviside step whose derivative is the rectangle of height 1/a and width a."""

    @staticmethod
    def forward(ctx, u, u_th, a):
        ctx.save_for_backward(u)
        ctx.constants = (u_th, a)
        return (u >= u_th).to(u.dtype)

    @staticmethod
    def backward(ctx, grad):
        (u,) = ctx.saved_tensors
        u_th, a = ctx.constants
        return grad * ((u - u_th).abs() < a / 2) / a, None, None


class Unrolled:
    """Batches of recordings; the graph is cut between intervals and between blocks.

    `weights` are channels first by `hash_id`; `norms` maps a layer's name to (gamma, beta).
    """

    def __init__(self, network, weights, norms=None, temperature_shift=None):
        self.network, self.temperature_shift = network, temperature_shift
        self.weights = [w.detach().clone().requires_grad_() for w in weights]
        self.norms = {
            name: [p.detach().clone().requires_grad_() for p in pair]
            for name, pair in (norms or {}).items()
        }
        self.state = {}

    def sums(self, layer, inputs):
        """Return W·s at every step, a list of (B, C, H, W)."""
        if layer.kind == "pool":
            return [F.avg_pool2d(x, layer.window) for x in inputs]
        weight = self.weights[layer.hash_id]
        if layer.kind == "conv":
            sums = [F.conv2d(x, weight, stride=layer.stride, padding=layer.padding) for x in inputs]
        else:
            sums = [F.linear(x.flatten(1), weight)[..., None, None] for x in inputs]
        if layer.name in self.norms:
            every = torch.stack(sums[:1] if layer.direct else sums)
            mean = every.mean((0, 1, 3, 4), keepdim=True)[0]
            var = every.var((0, 1, 3, 4), unbiased=False, keepdim=True)[0]
            gamma, beta = (p[:, None, None] for p in self.norms[layer.name])
            sums = [(x - mean) / (var + 1e-5).sqrt() * gamma + beta for x in sums]
        return sums

    def spikes(self, layer, sums):
        u, s = self.state.get(layer.index, (torch.zeros_like(sums[0]),) * 2)
        u, s = u.detach(), s.detach()
        spikes = []
        for drive in sums:
            # In this order, as golden carries it: pool sums lie on the surrogate's edge exactly.
            u = (layer.lif.tau * u - layer.lif.theta * s) + drive
            s = Spike.apply(u, layer.lif.u_th, layer.lif.a)
            spikes.append(s)
        self.state[layer.index] = (u, s)
        return spikes

    def gradients(self, frames, labels, keep=None):
        """Return gradients of weights, and of norms, over one interval of (k, B, C, H, W)."""
        for p in (*self.weights, *(q for pair in self.norms.values() for q in pair)):
            p.grad = None
        outputs = {-1: list(frames)}
        for block in self.network.blocks:
            source = block.layers[0].source
            outputs = {source: [x.detach() for x in outputs[source]]}
            for layer in block.all_layers:
                if layer.kind == "add":
                    pairs = zip(outputs[layer.source], outputs[layer.addend], strict=True)
                    outputs[layer.index] = [x + y for x, y in pairs]
                    continue
                made = self.spikes(layer, self.sums(layer, outputs[layer.source]))
                if keep and layer.index in keep:
                    made = [x * keep[layer.index] for x in made]
                outputs[layer.index] = made
            counts = sum(x.flatten(1) for x in made)
            loss = self.loss(counts, labels, len(frames))
            if loss.requires_grad:
                loss.backward()
        zero = torch.zeros_like
        return (
            [w.grad if w.grad is not None else zero(w) for w in self.weights],
            {name: [p.grad for p in pair] for name, pair in self.norms.items()},
        )

    def loss(self, counts, labels, steps):
        """Mean square, or cross-entropy of 2**(count / 2**shift) scaled to its slope."""
        wanted = F.one_hot(labels, self.network.classes).to(counts.dtype)
        if self.temperature_shift is None:
            return ((wanted - counts / steps) ** 2).mean()
        beta = math.log(2) / 2**self.temperature_shift
        entropy = -(wanted * torch.log_softmax(beta * counts, 1)).sum(1).mean()
        return entropy * 2 / (counts.shape[1] * steps * beta)
