"""Options of a configuration, which change the one that a board is built with."""

from golden.core_config import CoreConfig


def add_config_options(parser) -> None:
    """Add one option for every number of a configuration; None unless it is given."""
    group = parser.add_argument_group("configuration", "maxima, the board's by default")
    for name in CoreConfig().to_words():
        group.add_argument("--" + name.replace("_", "-"), type=int, metavar="N")


def changed(config: CoreConfig, options) -> CoreConfig:
    """Return a configuration with what the options change; fewer lanes make memories deeper.

    Raises
    ------
    ValueError
        A number is out of its bounds.
    """
    if options.lanes is not None:
        config = config.with_lanes(options.lanes)
    words = config.to_words()
    return CoreConfig.from_words(
        words | {name: value for name in words if (value := getattr(options, name)) is not None}
    )
