"""Rules of the algorithm that are easy to get wrong, and what breaks each of them on purpose.

One more, "dropout must not mask gamma_{t+1}", cannot be broken here: a mask holds for an interval,
so that a dropped neuron's gamma starts at 0 and stays there, masked or not.
`test_recursion.py::test_masking_gamma_of_dropped_neurons_changes_nothing` holds that.
"""

from typing import NamedTuple


class Rule(NamedTuple):
    """A rule that a mutation breaks.

    Attributes
    ----------
    wrong : str
        What a model does that gets it wrong.
    golden : tuple of str
        Mutations of tests/golden/test_mutations.py.
    gateware : tuple of str
        Mutations of tests/hw/test_core_mutations.py.
    """

    wrong: str
    golden: tuple[str, ...]
    gateware: tuple[str, ...]


RULES = (
    Rule(
        "detaches the reset: no -theta * gamma in delta (Eq 4)",
        ("detached_reset",),
        ("c0-for-c1",),
    ),
    Rule(
        "takes a surrogate of height 1 instead of 1/a (Eq 6)",
        ("height_1",),
        ("height-1",),
    ),
    Rule(
        "leaks after the reset: tau * (u - theta * s) (Eq 1)",
        ("leak_after_reset",),
        ("leak-after-reset",),
    ),
    Rule(
        "forgets to carry s into the next interval (Eq 1)",
        ("spike_not_carried",),
        ("spike-not-carried",),
    ),
    Rule(
        "resets the classifier's state at every interval",
        ("classifier_reset_per_interval",),
        ("classifier-reset-per-interval",),
    ),
    Rule(
        "drops the pool neuron's own terms (Eq 5)",
        ("pool_has_no_own_terms", "pool_is_linear"),
        ("pool-has-no-own-terms",),
    ),
    Rule(
        "misses the 1/k of the loss (Eq 3)",
        ("missing_1_over_k",),
        ("missing-1-over-k",),
    ),
    Rule(
        "drops spikes forward and not the error on its way back",
        ("dropout_forward_only",),
        ("dropout-not-in-errors",),
    ),
    Rule(
        "drops spikes at inference",
        ("dropout_at_inference",),
        ("dropout-at-inference",),
    ),
)


def without_mutation(side, mutations):
    """Return what is wrong in the table: rules nothing breaks, and names that do not exist."""
    found = [f"nothing breaks: {rule.wrong}" for rule in RULES if not getattr(rule, side)]
    named = [name for rule in RULES for name in getattr(rule, side)]
    return found + [f"no mutation {name}" for name in named if name not in mutations]
