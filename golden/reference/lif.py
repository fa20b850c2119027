"""LIF neurons of one interval in torch: all k steps forward, then the recursion of gamma back."""

from __future__ import annotations

from typing import Any

import torch

from golden.neuron import Lif


class _Lif(torch.autograd.Function):
    """Eqs (1), (2) and (6) forward; Eq (5), collapsed, backward. Keeps one byte per step: h."""

    @staticmethod
    def forward(
        ctx: Any, drive: torch.Tensor, carry: torch.Tensor, steps: int, lif: Lif, learn: bool
    ) -> torch.Tensor:
        constant = len(drive) != steps
        u = drive.new_empty((steps, *drive.shape[1:])) if constant else drive
        s = torch.empty_like(u)
        for t in range(steps):
            torch.add(drive[0 if constant else t], carry, out=u[t])
            torch.ge(u[t], lif.u_th, out=s[t])
            torch.mul(u[t], lif.tau, out=carry).sub_(s[t], alpha=lif.theta)
        if learn:
            ctx.save_for_backward(u.sub_(lif.u_th).abs_() < lif.a / 2)
            ctx.lif, ctx.constant = lif, constant
        return s

    @staticmethod
    def backward(  # type: ignore[override]
        ctx: Any, e: torch.Tensor
    ) -> tuple[torch.Tensor, None, None, None, None]:
        (mask,) = ctx.saved_tensors
        lif: Lif = ctx.lif
        h = mask.to(e.dtype)
        gamma = torch.mul(e, h).mul_(1 / lif.a)
        keep = h.mul_(-lif.theta / lif.a).add_(lif.tau)
        for t in range(len(gamma) - 2, -1, -1):
            gamma[t].addcmul_(keep[t], gamma[t + 1])
        if ctx.constant:
            gamma = gamma.sum(0, keepdim=True)
        return gamma, None, None, None, None


def fire(drive: torch.Tensor, carry: torch.Tensor, steps: int, lif: Lif) -> torch.Tensor:
    """Return the spikes of an interval and bring the carry up to date.

    Parameters
    ----------
    drive : torch.Tensor
        Synaptic sums W·s, shape (k, B, ...), or (1, B, ...) where they are the same at every step.
        Of k steps they are **overwritten**, which saves a tensor of that size.
    carry : torch.Tensor
        ``tau * u - theta * s`` of the step before, shape (B, ...). Overwritten; no error flows
        through it, so that an interval's edge cuts the recursion.
    steps : int
        k of this interval.
    lif : Lif
        Constants.

    Returns
    -------
    torch.Tensor
        0 and 1 in the type of `drive`, shape (k, B, ...).
    """
    learn = torch.is_grad_enabled() and drive.requires_grad
    return _Lif.apply(drive, carry, steps, lif, learn)  # type: ignore[no-any-return]
