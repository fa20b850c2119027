"""Gateware broken on purpose, one line of source at a time: the comparison must notice.

A mutation replaces a piece of one source file before the core is elaborated. It is named by the
text it replaces, which must occur exactly once, so that a mutation cannot miss its place unnoticed.
"""

import importlib
import inspect
import sys
import types
from dataclasses import dataclass
from enum import Enum

import pytest

from tests.easy_to_get_wrong import without_mutation
from tests.hw import core_bench
from tests.hw.core_case import CASES, difference


@dataclass(frozen=True)
class Mutation:
    """`old` becomes `new` in a module of the gateware, or in the host's compiler."""

    name: str
    module: str
    old: str
    new: str
    case: str = "block"


MUTATIONS = [
    Mutation(
        "theta-dropped", "hw.lif",
        "reset.eq(Mux(above, theta, 0))", "reset.eq(0)",
    ),
    Mutation("spike-at-strictly-more", "hw.lif", "above = ~distance[-1]", "above = (distance > 0)"),
    Mutation(
        "mask-not-strict", "hw.lif", "distance > minus_half_a", "distance >= minus_half_a",
    ),
    Mutation("mask-one-sided", "hw.lif", "& (distance > minus_half_a)", ""),
    Mutation(
        "carry-not-saturated", "hw.lif",
        "limited, clip = saturate(wide, f.carry)", "limited, clip = wide, 0",
    ),
    Mutation(
        "backward-skips-last-step", "hw.sequencer",
        "[step.eq(passes), latest_step.eq(passes)]",
        "[step.eq(passes - (passes != 0)), latest_step.eq(passes)]",
    ),
    Mutation(
        "backward-skips-first-step", "hw.sequencer",
        "with m.If(step == 0):", "with m.If(step <= 1):",
    ),
    Mutation(
        "lists-of-one-step", "hw.sequencer",
        "list_product.eq(step * list_stride)", "list_product.eq(0)",
    ),
    Mutation(
        "gamma-crosses-interval", "hw.core",
        'error.first.eq(held(Op.ERROR, "first", coming.latest))', "error.first.eq(0)",
    ),
    Mutation(
        "gamma-not-saturated", "hw.local_error",
        "limited, clip = saturate(rounded, f.gamma)", "limited, clip = rounded, 0",
    ),
    Mutation(
        "gamma-floored", "hw.local_error",
        "round_shift(total, COEFFICIENT_FRACTION)", "total >> COEFFICIENT_FRACTION",
    ),
    Mutation("c1-for-c0", "hw.local_error", "Mux(h, c1, c0)", "c1"),
    Mutation("c0-for-c1", "hw.local_error", "Mux(h, c1, c0)", "c0"),
    Mutation(
        "clear-forgotten", "hw.core",
        'state.writer("clear", is_op[Op.CLEAR], clear.state_write)', "",
    ),
    Mutation(
        "no-forwarding", "hw.accumulator",
        "hit[i].eq(valid[2 + i] & (addresses[1] == addresses[2 + i]))", "hit[i].eq(0)",
    ),
    Mutation(
        "forwarding-of-the-newest-alone", "hw.accumulator",
        "older_hit.eq(Cat(first).any())", "older_hit.eq(0)",
    ),
    Mutation(
        "forwarding-of-an-older-one", "hw.accumulator",
        "first[i - 1].eq(hit[i] & ~Cat(hit[1:i]).any())", "first[i - 1].eq(hit[i])",
    ),
    Mutation(
        "forwarding-too-short", "hw.accumulator",
        "hit[i].eq(valid[2 + i] &", "hit[i].eq((i < HISTORY - 1) & valid[2 + i] &",
    ),
    Mutation(
        "gamma-of-other-slots", "hw.datapath",
        "Mux(inside[i], gammas[i], 0)", "gammas[i]",
    ),
    Mutation(
        "weights-in-slot-0", "hw.datapath",
        "[w >> f.forward_shift for w in weights], amount",
        "[w >> f.forward_shift for w in weights], 0 * amount",
    ),
    Mutation("backward-reads-forward-weights", "hw.datapath",
        "Mux(use_random, random_weights.weights, self.weight_read.data)",
        "Cat(*((w >> 1 << 1)[: f.weight] for w in weights))",
    ),
    Mutation(
        "delta-floored", "hw.backward",
        "round_shift(total, f.weight_fraction)", "total >> f.weight_fraction",
    ),
    Mutation(
        "delta-not-saturated", "hw.backward",
        "value, clipped = saturate(rounded, f.delta)", "value, clipped = rounded, 0", "loud",
    ),
    Mutation(
        "sum-not-restarted", "hw.backward",
        "total.eq(Mux(first, 0, total) + term)", "total.eq(total + term)",
    ),
    Mutation(
        "delta-of-skipped-backward", "hw.core",
        "delta_zero.eq(nothing)", "delta_zero.eq(0)", "silent",
    ),
    Mutation(
        "loss-not-saturated", "hw.loss",
        "limited, clip = saturate(shifted, f.delta)", "limited, clip = shifted, 0",
    ),
    Mutation(
        "loss-of-other-class", "hw.loss", "(number == job.label)", "(number != job.label)",
    ),
    Mutation(
        "weight-not-saturated", "hw.update",
        "limited, clip = saturate(difference, f.weight)", "limited, clip = difference, 0",
    ),
    Mutation("rounding-down", "hw.update", "word[:MAX_SHIFT] & shift", "0 & shift"),
    Mutation("random-word-of-two-rows", "hw.update", "random.x.eq(row)", "random.x.eq(row >> 1)"),
    Mutation(
        "random-word-of-each-group", "hw.update",
        "group >> (CHANNELS_PER_WORD // lanes - 1).bit_length()", "group",
    ),
    Mutation(
        "random-words-of-first-update", "hw.core",
        "keys.number.eq(sequencer.current.trained_intervals)", "keys.number.eq(0)",
    ),
    Mutation("no-decay", "hw.update", 'f"v{lane}") - taken', 'f"v{lane}")'),
    Mutation("small-momentum-stays", "hw.update", "taken = v_fine + ", "taken = v_fine + 0 * ",
        "image"),
    Mutation(
        "last-row-and-column-left-out", "hw.walk_rows",
        "over, last = padded >> layer.stride, constant[f\"last_{axis}\"]",
        "over, last = padded >> layer.stride, constant[f\"last_{axis}\"] - 1",
    ),
    Mutation(
        "flags-of-other-positions", "hw.walk_rows",
        "coarse[\"window\"] >> coarse[\"x_low\"][:3]", "coarse[\"window\"]",
    ),
    Mutation("stride-phase", "hw.walk_rows", "padded - (low << layer.stride)", "padded - low",
        "silent"),
    Mutation(
        "height-1", "host.compiler",
        '"a": codes.a,\n        "c0": codes.c0,\n        "c1": codes.c1,',
        '"a": round(codes.a * layer.lif.a), "c0": codes.c0, '
        '"c1": round(256 * (layer.lif.tau - layer.lif.theta)),',
    ),
    Mutation("coefficient-a-of-1", "hw.local_error", "Mux(spreads, a, 0)",
        "Mux(spreads, 1 << COEFFICIENT_FRACTION, 0)"),
    Mutation("leak-after-reset", "hw.lif", "product - (reset << COEFFICIENT_FRACTION)",
        "product - reset * layer.tau"),
    Mutation(
        "spike-not-carried", "hw.core", 'lif.flags.eq(held(Op.LIF, "flags", coming.argument)),',
        'lif.flags.eq(held(Op.LIF, "flags", coming.argument)),'
        "lif.layer.theta.eq(Mux(command.latest, 0, command.layer.theta)),",
    ),
    Mutation(
        "classifier-reset-per-interval", "golden.schedule",
        'Instruction("CLEAR", layer, ("START",))',
        'Instruction("CLEAR", layer, () if layer is block.classifier else ("START",))',
    ),
    Mutation(
        "pool-has-no-own-terms", "hw.local_error", "Mux(sums | planes, planes, self.first)",
        "Mux(sums | planes, planes, self.first | (flags & int(ErrorFlag.COPY)).any())",
    ),
    Mutation("missing-1-over-k", "host.compiler", "settings.loss_scale(steps, classes)",
        "settings.loss_scale(steps**0.5, classes)"),
    Mutation("pool-error-not-divided", "host.compiler", '"a": codes.a,',
        '"a": codes.a * layer.pool_area,'),
    Mutation("loss-of-full-interval", "host.compiler",
        "settings.loss_scale(steps, classes)", "settings.loss_scale(settings.interval, classes)"),
    # direct encoding
    Mutation("drive-not-halved", "hw.lif", "tau.eq(half)", "tau.eq(one)", "image"),
    Mutation(
        "drive-forgotten", "hw.lif",
        "Mux(driven, drive, 0)", "Mux(restores, drive, 0)", "image",
    ),
    Mutation(
        "carry-not-parked", "hw.lif", "m.d.sync += tau.eq(0)", "m.d.sync += tau.eq(one)", "image",
    ),
    Mutation(
        "first-step-not-summed", "hw.local_error", "planes | ~self.first,", "planes | sums,",
        "image",
    ),
    Mutation(
        "sum-as-narrow-as-gamma", "hw.local_error",
        "result.eq(Mux(wide, limited_wide, limited))", "result.eq(limited)", "image",
    ),
    Mutation(
        "planes-weigh-the-same", "hw.local_error", "a.eq(1 << self.plane)", "a.eq(128)", "image",
    ),
    Mutation(
        "sum-overwrites-gamma", "hw.local_error",
        "self.gamma_write.enable.eq(enable & ~sums)", "self.gamma_write.enable.eq(enable)", "image",
    ),
    Mutation(
        "one-plane-less", "hw.sequencer",
        "last_step, instruction.other - 1)", "last_step, instruction.other - 2)",
        "image",
    ),
    # cross-entropy
    Mutation("softmax-of-all-counts", "hw.loss", "below.eq(largest - count)", "below.eq(count)",
        "silent"),
    Mutation("softmax-not-normalised", "hw.loss", "rest.eq(Mux(fits, trial - total, trial))",
        "rest.eq(trial)", "silent"),
    Mutation("softmax-colder", "hw.loss", "softness = self.flags[2:4]", "softness = C(0, 2)",
        "silent"),
    # dropout
    Mutation(
        "dropout-not-in-errors", "hw.lif", "Cat(masks) & keep)", "Cat(masks))", "dropping",
    ),
    Mutation(
        "dropped-neurons-send", "hw.lif",
        "Cat(spikes) & keep,", "Cat(spikes),", "image",
    ),
    Mutation(
        "dropout-at-inference", "hw.lif",
        "(self.flags & int(LifFlag.DROP)).any() & self.learn",
        "(self.flags & int(LifFlag.DROP)).any()", "image",
    ),
    Mutation(
        "dropout-transposed", "hw.dropout", "Cat(y, x, channels[:2])", "Cat(x, y, channels[:2])",
        "image",
    ),
    Mutation("dropout-untagged", "hw.dropout", "layer.hash_id | TAG", "layer.hash_id", "image"),
    Mutation("row-without-its-top", "hw.row_registers", "[*row[1:], part]", "[*row[1:], row[0]]"),
    Mutation("rows-of-all-spaces", "hw.row_registers", "near.eq(chosen[space])", "near.eq(1)"),
    Mutation("list-entry-a-cycle-early", "hw.local_error", "Mux(listing, bits", "Mux(found, bits"),
    Mutation(
        "correction-while-training", "hw.sequencer",
        "& (~instruction.when[3] | ~current.learn)", "", "image",
    ),
]  # fmt: skip


def mutated(mutation):
    """Return a copy of the module, mutated."""
    original = importlib.import_module(mutation.module)
    source = inspect.getsource(original)
    found = source.count(mutation.old)
    assert found == 1, f"{mutation.module} holds {mutation.old!r} {found} times, not once"
    module = types.ModuleType(mutation.module)
    module.__file__ = original.__file__
    code = compile(source.replace(mutation.old, mutation.new), original.__file__, "exec")
    exec(code, vars(module))
    return original, module


def inject(mutation, monkeypatch):
    """Put what the mutated module defines in the place of what the original does, everywhere."""
    original, module = mutated(mutation)
    users = [
        user
        for name, user in list(sys.modules.items())
        if user is not None and (name.startswith(("hw.", "host.compiler")) or user is core_bench)
    ]
    for name, value in vars(original).items():
        hardware = inspect.isclass(value) and not issubclass(value, Enum | tuple)
        if getattr(value, "__module__", None) != original.__name__ or not (
            hardware or inspect.isfunction(value)
        ):
            continue
        for user in users:
            for attribute, there in list(vars(user).items()):
                if there is value:
                    monkeypatch.setattr(user, attribute, getattr(module, name))


def test_every_rule_that_is_easy_to_get_wrong_has_a_mutation():
    assert not without_mutation("gateware", {mutation.name for mutation in MUTATIONS})


@pytest.mark.parametrize("case", CASES)
def test_core_as_it_is_agrees(case):
    assert not difference(CASES[case])


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_mutation_is_caught(mutation, monkeypatch):
    inject(mutation, monkeypatch)
    found = difference(CASES[mutation.case])
    assert found, f"{mutation.name} went unnoticed: {mutation.old!r} -> {mutation.new!r}"
    print(found)


def test_everything_saturates():
    found = CASES["block"].saturations()
    assert min(found.values()) > 0, found
