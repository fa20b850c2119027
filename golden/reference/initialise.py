"""First weights of the float reference: as `golden.initialise`, for batches and any layer."""

from __future__ import annotations

import torch

from golden import random_weights
from golden.initialise import BISECTIONS
from golden.network import Layer
from golden.reference import synapse
from golden.reference.lif import fire
from golden.reference.model import ReferenceModel, from_matrix


@torch.no_grad()
def initialise(
    model: ReferenceModel,
    frames: torch.Tensor,
    steps: int | None = None,
    *,
    seed: int = 0,
    hidden_rate: float = 0.10,
    classifier_rate: float = 0.05,
) -> None:
    """Draw weights with which every layer fires at a wanted rate on a batch.

    Weights are normal with deviation 1/sqrt(rows), or the pattern of a random classifier; from the
    input to the output each layer's scale is found by bisection. A layer with batch normalisation
    needs no scale.

    Parameters
    ----------
    model : ReferenceModel
        Gets the weights; its states are forgotten.
    frames : torch.Tensor
        Some training recordings, as for `Trainer.train_batch`.
    steps : int, optional
        T; the number of frames by default.
    seed : int
        Of the generator, and of the patterns of random classifiers.
    hidden_rate, classifier_rate : float
        Wanted spikes per neuron and step.

    Raises
    ------
    ValueError
        A layer cannot reach its rate, for instance because frames are empty.
    """
    generator = torch.Generator().manual_seed(seed)
    source, steps = model.prepare(frames, steps)
    outputs = {-1: source.to(model.weights[0].dtype)}
    for layer in model.network.resolved:
        if layer.kind == "add":
            outputs[layer.index] = outputs[layer.source] + outputs[layer.addend]
            continue
        weight = None
        if layer.has_weights:
            weight = model.weights[layer.hash_id]
            weight.copy_(_unit(layer, seed, generator))
        sums = synapse.sums(outputs[layer.source], weight, layer)
        if layer.batch_norm:
            sums = model.norms[layer.name](sums.flatten(0, 1)).unflatten(0, sums.shape[:2])
        elif weight is not None:
            rate = classifier_rate if layer.kind == "classifier" else hidden_rate
            scale = _scale(sums, layer, steps, rate)
            weight.mul_(scale)
            sums.mul_(scale)
        if layer.kind != "classifier":
            carry = torch.zeros_like(sums[0])
            outputs[layer.index], _ = fire(sums, carry, steps, layer.lif, constant=layer.direct)
    model.start()


def _unit(layer: Layer, seed: int, generator: torch.Generator) -> torch.Tensor:
    if layer.random:
        pattern = torch.as_tensor(random_weights.pattern(seed, layer), dtype=torch.float64)
        return from_matrix(pattern * (layer.rows**-0.5 / random_weights.RMS), layer)
    matrix = torch.randn(layer.weight_shape, generator=generator, dtype=torch.float64)
    return from_matrix(matrix * layer.rows**-0.5, layer)


def _scale(sums: torch.Tensor, layer: Layer, steps: int, rate: float) -> float:
    def reached(exponent: float) -> float:
        scaled = sums * 2.0**exponent
        carry = torch.zeros_like(sums[0])
        return float(fire(scaled, carry, steps, layer.lif, constant=layer.direct)[0].mean())

    low, high = -6.0, 6.0
    most = reached(high)
    if most < rate:
        raise ValueError(
            f"{layer.name} fires at {most:.3f} per step at most, {rate} wanted: "
            "use recordings with more events, brighter images or a lower rate"
        )
    for _ in range(BISECTIONS // 2):  # to 2**-9 of the rate: a batch does not tell more
        middle = (low + high) / 2
        low, high = (middle, high) if reached(middle) < rate else (low, middle)
    return float(2.0**high)
