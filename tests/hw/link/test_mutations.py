"""Rules of the link that are easy to get wrong, broken on purpose: a test must turn red.

A mutation replaces text of a module's source; the named check must then fail. Checks are the tests
of this folder, called as functions.
"""

import importlib.util
import inspect
import sys

import pytest

from hw.link import (
    axi_stream,
    dispatcher,
    frame_loader,
    link,
    packet,
    rows,
    runs,
    slip,
    uart_rate,
)
from tests.hw.link import test_axi_stream as axi_tests
from tests.hw.link import test_frame_loader as loader_tests
from tests.hw.link import test_link as link_tests
from tests.hw.link import test_packet as packet_tests
from tests.hw.link import test_slip as slip_tests
from tests.hw.link import test_uart_rate as rate_tests


def entries():
    loader_tests.test_entries_equal_the_layout(8, (5, 7, 2), 0.3, loader_tests.gaps)


def malformed(name):
    values = {n: rest for n, *rest in loader_tests.malformed()}
    return lambda: loader_tests.test_malformed_frames_fail_and_the_slot_can_be_sent_again(
        *values[name]
    )


def refused(name):
    values = {n: rest for n, *rest in link_tests.refusals()}
    return lambda: link_tests.test_refused_without_effect(*values[name])


def packets():
    packet_tests.test_good_packets_pass_and_bad_ones_are_counted("light")


def two_intervals():
    link_tests.test_two_intervals_are_queued_and_counted_in_order("none")


MUTATIONS = [
    (slip, "broken.eq(1)", "broken.eq(0)",
     lambda: slip_tests.test_invalid_escapes_are_marked_and_end_with_their_frame(
         b"\xdb\xdb\xc0", [(b"\xdb", True)])),
    (slip, "closing.eq(self.i.p.last)", "closing.eq(0)",
     lambda: slip_tests.test_encoder_equals_sliplib("none", 0)),
    (axi_stream, "left.eq(self.i.p.keep)", "left.eq(~0)",
     lambda: axi_tests.test_unpacker_delivers_what_is_kept(64, "none", "descriptors")),
    (axi_stream, "~left[1:].any()", "~left[1]",
     lambda: axi_tests.test_unpacker_delivers_what_is_kept(64, "none", "any")),
    (axi_stream, "space & ~left[1:].any()", "~left.any()",
     lambda: axi_tests.test_a_byte_every_cycle(64)),
    (axi_stream, "full | (end & inside)", "full",
     lambda: axi_tests.test_packer_ends_a_packet_with_each_frame(64, "none")),
    (axi_stream, "inside.eq(~end)", "inside.eq(1)",
     lambda: axi_tests.test_packer_ends_a_packet_with_each_frame(64, "none")),
    (axi_stream, "place.eq(0)", "place.eq(place + 1)",
     lambda: axi_tests.test_packer_ends_a_packet_with_each_frame(64, "none")),
    (axi_stream, "(self.o.p.keep << 1) | 1", "self.o.p.keep << 1",
     lambda: axi_tests.test_packer_ends_a_packet_with_each_frame(64, "none")),
    (packet, "self.items.p.bad | ~crc.match_detected", "self.items.p.bad", packets),
    (packet, "too_long | (count < FRAME_OVERHEAD)", "count < FRAME_OVERHEAD", packets),
    (packet, "self.items.ready.eq(~self.packet.valid)", "self.items.ready.eq(1)", packets),
    (frame_loader, "(self.bit << lane)", "(self.bit << place)", entries),
    (frame_loader, "some | self.bit | self.final", "some | self.bit",
     lambda: loader_tests.test_entries_equal_the_layout(8, (5, 7, 2), 0, loader_tests.gaps)),
    (frame_loader, "with m.If(~self.empty):", "with m.If(0):", malformed("byte behind a bitmap")),
    (frame_loader, "final & bits.more", "0", malformed("gap beyond the map")),
    (frame_loader, "(self.first != 0) & (self.first != self.loaded)", "0",
     malformed("step out of order")),
    (frame_loader, "overflow.eq(emitted & (index >= words))", "overflow.eq(0)",
     loader_tests.test_too_many_entries_never_reach_the_other_buffer),
    (runs, "self.full.eq(outstanding == 2)", "self.full.eq(outstanding == 3)",
     link_tests.test_memory_is_busy_while_an_interval_runs),
    (runs, "self.next_run[0] ^ waiting[0]", "self.next_run[0]", two_intervals),
    (runs, "(age <= history)", "1", refused("result before the first")),
    (dispatcher, "answer(last_status)", 'm.next = "HEADER"',
     lambda: link_tests.test_a_repetition_has_no_second_effect(dispatcher.Packet.RUN)),
    (dispatcher, "(request.type == last_type)", "1",
     link_tests.test_a_repetition_of_another_type_is_refused),
    (dispatcher, "with m.Elif(self.run_is_past):", "with m.Elif(0):",
     link_tests.test_memory_is_busy_while_an_interval_runs),
    (dispatcher, "(job.frames != self.frames_loaded)", "0", refused("frames missing")),
    (dispatcher, "job.run != frames.run", "0", refused("two numbers")),
    (dispatcher, "with m.Elif(self.run_pending):", "with m.Elif(0):",
     link_tests.test_memory_is_busy_while_an_interval_runs),
    (rows, "end > depth", "0", refused("rows beyond the space")),
    (rows, "expected != self.length", "0", refused("write too long")),
    (rows, "self.start < len(READ_ONLY) + len(STATUS)", "0", refused("write of a constant")),
    (rows, "Mux(place == BYTES - 1, self.access.read_data, part >> 8)", "part >> 8",
     lambda: link_tests.test_rows_are_read_back(link_tests.Space.LAYERS, "none")),
    (rows, "m.d.sync += place.eq(place + 1)", "m.d.sync += place.eq(0)",
     lambda: link_tests.test_rows_are_read_back(link_tests.Space.PROGRAM, "none")),
    (link, "frames.slot.eq(slot)", "frames.slot.eq(0)",
     link_tests.test_frames_arrive_in_their_buffer),
    (link, "queue.push_job.slot.eq(slot ^ keeps)", "queue.push_job.slot.eq(slot)",
     link_tests.test_an_interval_without_frames_uses_the_buffer_of_the_one_before),
    (dispatcher, "echoed == request.length", "self.empty",
     lambda: link_tests.test_echo_returns_what_it_was_sent("none")),
    (uart_rate, "asked.eq(self.port.value), pending.eq(1), quiet.eq(0)",
     "asked.eq(self.port.value), pending.eq(1)",
     rate_tests.test_a_new_rate_waits_until_the_response_has_left),
    (uart_rate, "waiting.eq(self.step != self._default)", "waiting.eq(0)",
     rate_tests.test_bytes_without_a_request_give_a_rate_up),
    (uart_rate, "pending.eq(0), waiting.eq(1)", "pending.eq(0), waiting.eq(0)",
     rate_tests.test_a_rate_that_nobody_asks_at_is_given_up),
    (dispatcher, "& ~self.frames_kept", "& 0",
     link_tests.test_an_interval_without_frames_uses_the_buffer_of_the_one_before),
]  # fmt: skip


def mutated(module, old, new):
    """Return the module with one piece of its text replaced."""
    source = inspect.getsource(module)
    assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in {module.__name__}"
    spec = importlib.util.spec_from_loader(module.__name__ + "_mutated", loader=None)
    result = importlib.util.module_from_spec(spec)
    result.__file__ = module.__file__
    exec(compile(source.replace(old, new), module.__file__, "exec"), vars(result))
    return result


@pytest.mark.parametrize(
    ("module", "old", "new", "check"),
    [
        pytest.param(*mutation, id=f"{mutation[0].__name__.split('.')[-1]}-{number}")
        for number, mutation in enumerate(MUTATIONS)
    ],
)
def test_a_broken_rule_is_noticed(module, old, new, check, monkeypatch):
    changed = mutated(module, old, new)
    classes = {
        name: value
        for name, value in vars(module).items()
        if inspect.isclass(value) and value.__module__ == module.__name__
    }
    for user in list(sys.modules.values()):
        if getattr(user, "__name__", "").startswith(("hw.", "tests.hw.")):
            for name, value in classes.items():
                if getattr(user, name, None) is value:
                    monkeypatch.setattr(user, name, vars(changed)[name])
    with pytest.raises(AssertionError):
        check()
