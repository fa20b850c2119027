"""NIR graphs written by hand, as another framework would write them."""

import itertools

import nir
import numpy as np

BETA, DT = 0.75, 1e-4


def lif(*shape, beta=BETA, threshold=1.0, gain=1.0, **fields):
    """Neurons of one leak per step; `gain` is what inputs are multiplied by."""
    values = {
        "tau": DT / (1 - beta), "r": gain / (1 - beta), "v_leak": 0.0,
        "v_threshold": threshold, "v_reset": 0.0, **fields,
    }  # fmt: skip
    return nir.LIF(**{name: np.broadcast_to(value, shape) for name, value in values.items()})


def conv(weight, stride=1, padding=0, **fields):
    weight = np.asarray(weight, np.float64)
    values = {"dilation": 1, "groups": 1, "bias": np.zeros(len(weight)), **fields}
    return nir.Conv2d(input_shape=None, weight=weight, stride=stride, padding=padding, **values)


def pool(window=2, kind=nir.AvgPool2d, stride=None, padding=0):
    stride = window if stride is None else stride
    return kind(*(np.array([size, size]) for size in (window, stride, padding)))


def flatten(shape=None, first=0, last=-1):
    return nir.Flatten(None if shape is None else np.array(shape), first, last)


def chain(shape, *nodes, classes=2):
    """A graph of nodes named by kind and number behind an input of that shape."""
    names = [f"{type(node).__name__.lower()}{number}" for number, node in enumerate(nodes)]
    ends = [nir.Input(np.array(shape)), *nodes, nir.Output(np.array([classes]))]
    return graph(dict(zip(["input", *names, "output"], ends, strict=True)))


def graph(nodes, edges=None, **fields):
    names = list(nodes)
    edges = list(itertools.pairwise(names)) if edges is None else edges
    return nir.NIRGraph(nodes, edges, type_check=False, **fields)


def weights(*shape, seed=0, scale=1.0):
    return np.random.default_rng(seed).normal(0, scale, shape)


def plain():
    """A convolution, a pool with neurons, two dense layers: 8x6x2 in, 3 classes."""
    return chain(
        (2, 8, 6),
        conv(weights(4, 2, 3, 3)), lif(4, 6, 4), pool(), lif(4, 3, 2), flatten(),
        nir.Linear(weights(5, 24, seed=1)), lif(5), nir.Linear(weights(3, 5, seed=2)), lif(3),
        classes=3,
    )  # fmt: skip
