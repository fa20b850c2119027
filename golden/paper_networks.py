"""The paper's five networks by name, for any input shape and number of classes.

Source: Guo, Fouda, Eltawil, Salama, Front. Neurosci. 17:1047008 (2023). It prints names, not layer
sizes: those of LeNet-1, LeNet-2 and AlexNet are reconstructed so that its printed ratios follow.
"""

from __future__ import annotations

from golden.network import AvgPool, Conv, Dense, LayerSpec, Network, Residual, Shape

LENET1: tuple[LayerSpec, ...] = (
    Conv(6, 5, padding=2), AvgPool(2), Conv(16, 5), AvgPool(2), Conv(120, 5), Dense(84),
)  # fmt: skip
"""60,630 weights and 6,508 neurons on 28x28x1; the paper uses it on EMNIST."""

LENET2: tuple[LayerSpec, ...] = (
    Conv(64, 5), AvgPool(2), Conv(128, 5), AvgPool(2), Conv(128, 5), Dense(128),
)  # fmt: skip
"""Valid convolutions on 64x64x2; the paper uses it on DvsGesture."""

ALEXNET: tuple[LayerSpec, ...] = (
    Conv(96, 3, padding=1), Conv(256, 3, padding=1), AvgPool(2),
    Conv(384, 3, padding=1), AvgPool(2),
    Conv(384, 3, padding=1), Conv(384, 3, padding=1), Conv(256, 3, padding=1),
    Dense(2048), Dense(2048),
)  # fmt: skip
"""On 32x32; the paper uses it on CIFAR10 (3 channels) and CIFAR10-DVS (2 channels)."""


def _normed(*channels: int) -> tuple[LayerSpec, ...]:
    return tuple(Conv(number, 3, padding=1, batch_norm=True) for number in channels)


VGG11: tuple[LayerSpec, ...] = (
    *_normed(64), AvgPool(2), *_normed(128), AvgPool(2), *_normed(256, 256), AvgPool(2),
    *_normed(512, 512), AvgPool(2), *_normed(512, 512), AvgPool(2),
    Dense(4096, batch_norm=True), Dense(4096, batch_norm=True),
)  # fmt: skip
"""Eight convolutions and two dense layers, batch normalisation after each (Simonyan, Zisserman,
ICLR 2015, configuration A); the paper cuts it into blocks of five."""

SEW_RESNET18: tuple[LayerSpec, ...] = (
    Conv(64, 7, padding=3, stride=2, batch_norm=True), AvgPool(2),
    Residual(64), Residual(64), Residual(128, 2), Residual(128),
    Residual(256, 2), Residual(256), Residual(512, 2), Residual(512), AvgPool(2),
)  # fmt: skip
"""Spike-element-wise ResNet-18 (Fang et al., NeurIPS 2021) with ADD. Its pools have neurons as all
others here do, and the last one's window is 2 for a last map of 2x2 (64x64 at the input)."""

LAYERS: dict[str, tuple[tuple[LayerSpec, ...], Shape, int]] = {
    "lenet1": (LENET1, (28, 28, 1), 47),
    "lenet2": (LENET2, (64, 64, 2), 11),
    "alexnet": (ALEXNET, (32, 32, 3), 10),
    "vgg11": (VGG11, (64, 64, 2), 200),
    "sew_resnet18": (SEW_RESNET18, (64, 64, 2), 200),
}
"""Hidden layers, the paper's input shape and its number of classes, by name."""


def paper_network(
    name: str,
    *,
    input_shape: Shape | None = None,
    classes: int | None = None,
    block_length: int | tuple[int, ...] = 1,
    classifier: str = "trainable",
    encoding: str = "events",
) -> Network:
    """Return one of the paper's networks.

    Parameters
    ----------
    name : str
        Name in `LAYERS`.
    input_shape : Shape, optional
        Height, width, channels; the paper's by default.
    classes : int, optional
        N_c; the paper's by default.
    block_length, classifier, encoding
        As in `golden.network.Network`.

    Raises
    ------
    ValueError
        There is no such network, or it does not suit the shape.
    """
    if name not in LAYERS:
        raise ValueError(f"network must be one of {', '.join(LAYERS)}, not {name!r}")
    layers, shape, number = LAYERS[name]
    return Network(
        shape if input_shape is None else input_shape,
        layers,
        number if classes is None else classes,
        block_length,
        name=name,
        classifier=classifier,
        encoding=encoding,
    )
