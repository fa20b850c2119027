"""The layer table and the instructions that the sequencer runs, as data."""

from __future__ import annotations

from enum import IntEnum, IntFlag

from host.protocol.fields import Field, Record

LAYER = Record(
    "layer",
    (
        Field("height", 8, "rows of the output map"),
        Field("width", 8, "columns of the output map"),
        Field("x_words", 8, "words of one map row and group"),
        Field("groups", 9, "groups of P channels"),
        Field("channels", 13, "output channels"),
        Field("pack", 3, "log2 of the positions that share a word"),
        Field("frame", 1, "row 0 alone: the spike list is an input frame buffer"),
        Field("dense", 1, "fully connected: every event reaches all groups"),
        Field("state_base", 16, "first word in the U memory"),
        Field("error_base", 16, "first word in the gamma and e memories"),
        Field("spike_base", 16, "first entry of the spike list (in its half of the frame buffer)"),
        Field("spike_stride", 16, "spike list entries from step to step"),
        Field("mask_base", 16, "first entry of the mask list"),
        Field("mask_stride", 16, "mask list entries from step to step"),
        Field("tau", 9, "round(256 tau)"),
        Field("theta", 16, "reset, fraction f_u"),
        Field("u_th", 16, "threshold, fraction f_u"),
        Field("half_a", 16, "half the surrogate width, fraction f_u"),
        Field("a", 12, "A, 8 fractional bits (signed, positive)", signed=True),
        Field("c0", 12, "C_0, 8 fractional bits", signed=True),
        Field("c1", 12, "C_1, 8 fractional bits", signed=True),
        Field("weight_base", 16, "first row in the W and V memories"),
        Field("rows", 16, "weight rows of one group"),
        Field("row_y", 16, "weight rows per source row y"),
        Field("row_x", 16, "weight rows per source column x"),
        Field("row_c", 8, "weight rows per source channel"),
        Field("kernel", 4, "kernel side K"),
        Field("padding", 3, "zeros around the source map"),
        Field("stride", 2, "log2 of the stride"),
        Field("window", 2, "log2 of a pool's window"),
        Field("shift", 6, "q of the update", signed=True),
        Field("decay", 4, "d of the momentum, 0 clears V"),
        Field("to_zero", 1, "the decay rounds away from 0"),
        Field("hash_id", 8, "layer number of the random bits"),
        Field("random", 1, "weights are scale times a hash of their address, not stored"),
        Field("scale", 13, "scale of random weights, fraction f_w"),
        Field("drive_base", 16, "direct encoding: first word of drive and gamma sum, e memory"),
        Field("drop", 8, "dropout: a neuron is dropped when its random byte is below this"),
    ),
)
"""One row of the layer table. Row 0 describes the input frame, row i + 1 the layer of index i."""


class Op(IntEnum):
    """Operations of the sequencer."""

    END = 0
    """The interval is finished."""
    CLEAR = 1
    """U of `layer` := 0."""
    FORWARD = 2
    """U of `layer` += W over the spikes of `other` at step t."""
    POOL = 3
    """U of the pool `layer` += mean of the spikes of `other` at step t."""
    LIF = 4
    """Spikes, masks and carries of `layer` at step t."""
    LOSS = 5
    """e of the classifier `layer` from its counts; clears the counts."""
    ERROR = 6
    """gamma_t of `layer`; with POOLED, e is gamma of the pool `other`."""
    GRADIENT = 7
    """V of `layer` += gamma over the spikes of `other` at step t."""
    BACKWARD = 8
    """e of `other` from W and gamma of `layer` where the mask of `other` is set."""
    UPDATE = 9
    """W of `layer` from V, then the decay of V."""
    FIRST = 10
    """t := 0; the loop has as many passes as the job has steps, or `other` of them."""
    LAST = 11
    """t := the loop's last pass, counted as for FIRST."""
    NEXT = 12
    """Unless t is the loop's last pass: t += 1 and jump to `target`."""
    PREVIOUS = 13
    """Unless t = 0: t -= 1 and jump to `target`."""
    DROP = 14
    """Keep bits of `layer` for this interval, from the hash."""


class When(IntFlag):
    """Conditions; an instruction runs when all of its set bits hold for the job."""

    ALWAYS = 0
    START = 1
    LEARN = 2
    UPDATE = 4
    INFER = 8


class LifFlag(IntFlag):
    """Flags of LIF."""

    SPIKES = 1
    """Write the spike list."""
    MASKS = 2
    """Write the mask list when the job learns."""
    COUNT = 4
    """Count spikes per class."""
    DRIVE = 8
    """u is the state plus the drive."""
    HALVE = 16
    """u := sat(u >> 1) and nothing else: between two bit planes of an image."""
    PARK = 32
    """drive := u, u := 0 and nothing else: room for the planes' sum."""
    RESTORE = 64
    """u := drive, drive := u and nothing else: the sum is the drive."""
    DROP = 128
    """When the job learns, both lists lack the neurons without a keep bit."""


class LossFlag(IntFlag):
    """Flags of LOSS."""

    REPORT = 1
    """Counts become the job's result."""
    ENTROPY = 2
    """Errors of cross-entropy in place of mean square."""
    SOFT_1 = 4
    """Bit 0 of the softmax's temperature shift."""
    SOFT_2 = 8
    """Bit 1 of it."""


class ErrorFlag(IntFlag):
    """Flags of ERROR."""

    POOLED = 1
    """e comes from the e memory at the pool `other`, spread over its window."""
    COPY = 2
    """Write gamma_t to the e memory in place of e (a pool, for the layer below)."""
    LOSS = 4
    """e is the classifier's own, from LOSS; otherwise e counts as 0 after an empty BACKWARD."""
    SUM = 8
    """Instead: gamma sum += gamma_t (= gamma_t at the last step)."""
    PLANE = 16
    """Instead: gamma := gamma sum times 2**t / 256, for GRADIENT with bit plane t."""


INSTRUCTION = Record(
    "instruction",
    (
        Field("op", 4, "operation"),
        Field("when", 4, "conditions, see When"),
        Field("layer", 8, "row of the layer table"),
        Field("other", 8, "row of the source or of the pool above; passes of a loop"),
        Field("argument", 8, "flags, or the target of NEXT and PREVIOUS"),
    ),
)
"""One instruction word."""

JOB = Record(
    "job",
    (
        Field("run", 32, "number of the interval; its parity names the place of its counts"),
        Field("start", 1, "first interval of a sample"),
        Field("learn", 1, "train; otherwise forward only"),
        Field("update", 1, "run UPDATE at the end"),
        Field("slot", 1, "frame buffer; set by the link"),
        Field("reserved", 4, "0"),
        Field("steps", 8, "steps of this interval, at least 1"),
        Field("label", 16, "class of the sample"),
        Field("loss", 16, "K of the loss"),
        Field("loss_shift", 8, "r of the loss"),
        Field("frames", 8, "frames sent for it; 0 keeps those of the interval before"),
        Field("trained_intervals", 32, "before this one in the run: keys the random bits"),
    ),
)
"""Header of an interval, 16 bytes on the link."""

PROFILE = Record(
    "profile",
    (
        Field("cycles", 40, "cycles from the start of the instruction to the next one's"),
        Field("operations", 40, "lane-word operations issued"),
        Field("lanes", 48, "useful lane operations"),
    ),
)
"""Counters of one program address, summed over all jobs since they were cleared."""
