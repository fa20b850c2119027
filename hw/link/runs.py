"""Order of intervals: which comes next, what waits for the core, whose counts can be read."""

from amaranth.hdl import Array, Module, Signal
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Out

from hw.interfaces import JOB_LAYOUT

__all__ = ["RunQueue"]


class RunQueue(Component):
    """Two jobs, at most, that wait for the core or run on it; the run's parity names their slot.

    A frame buffer can be loaded while no more than one job is left, which uses the other buffer.
    The counts of q stay readable until interval q + 2, which overwrites them, is queued.

    Members
    -------
    run : In(32)
        Number of an interval to look up; the four answers follow two cycles later.
    is_next : Out(1)
        `run` is the next one to queue.
    is_past : Out(1)
        `run` was queued since the last clear.
    result_ready : Out(1)
        Counts of `run` can be read.
    result_coming : Out(1)
        `run` is queued or running.
    full : Out(1)
        No slot is free.
    pending : Out(1)
        A job waits or runs.
    next_run, finished_runs : Out(32)
        Number of the next interval to queue; intervals finished.
    push : In(1)
        Queue `push_job`; only while not `full`.
    push_job : In(JOB_LAYOUT)
        The job.
    clear : In(1)
        Restart at interval 0; only while not `pending`.
    job : Out(stream.Signature(JOB_LAYOUT))
        To the core.
    finished : In(1)
        From the core: the oldest job is finished.
    """

    def __init__(self):
        super().__init__(
            {
                "run": In(32),
                "is_next": Out(1),
                "is_past": Out(1),
                "result_ready": Out(1),
                "result_coming": Out(1),
                "full": Out(1),
                "pending": Out(1),
                "next_run": Out(32),
                "finished_runs": Out(32),
                "push": In(1),
                "push_job": In(JOB_LAYOUT),
                "clear": In(1),
                "job": Out(stream.Signature(JOB_LAYOUT)),
                "finished": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        jobs = Array(Signal(JOB_LAYOUT, name=f"job{slot}") for slot in range(2))
        waiting = Signal(range(3))  # jobs the core has not started
        outstanding = Signal(range(3))  # jobs not finished, the waiting ones included
        history = Signal(range(3))  # intervals queued since the last clear, up to 2
        started = Signal()
        age = Signal(32)
        recent = Signal()

        m.d.comb += [
            recent.eq((age != 0) & (age <= history)),
            self.full.eq(outstanding == 2),
            self.pending.eq(outstanding != 0),
            self.finished_runs.eq(self.next_run - outstanding),
            self.job.valid.eq(waiting != 0),
            self.job.payload.eq(
                data.View(JOB_LAYOUT, jobs[self.next_run[0] ^ waiting[0]].as_value())
            ),
            started.eq(self.job.valid & self.job.ready),
        ]
        m.d.sync += [
            age.eq(self.next_run - self.run),
            self.is_next.eq(age == 0),
            self.is_past.eq((age != 0) & ~age[-1] & (history != 0)),
            self.result_coming.eq(recent & (age <= outstanding)),
            self.result_ready.eq(recent & (age > outstanding)),
        ]
        with m.If(self.push):
            m.d.sync += [
                jobs[self.next_run[0]].eq(self.push_job),
                self.next_run.eq(self.next_run + 1),
            ]
            with m.If(history != 2):
                m.d.sync += history.eq(history + 1)
        m.d.sync += [
            waiting.eq(waiting + self.push - started),
            outstanding.eq(outstanding + self.push - self.finished),
        ]
        with m.If(self.clear):
            m.d.sync += [self.next_run.eq(0), history.eq(0)]
        return m
