"""LIF neurons in torch: some steps forward, and the recursion of gamma back through them."""

from __future__ import annotations

import torch

from golden.neuron import Lif


def fire(
    sums: torch.Tensor,
    carry: torch.Tensor,
    steps: int,
    lif: Lif,
    *,
    constant: bool = False,
    surrogate: bool = False,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return the spikes of some steps, Eqs (1) and (2), and bring the carry up to date.

    Parameters
    ----------
    sums : torch.Tensor
        Synaptic sums W·s, shape (t, B, ...). **Overwritten**, which saves a tensor of that size,
        unless they are `constant`: then of shape (1, B, ...).
    carry : torch.Tensor
        ``tau * u - theta * s`` of the step before, shape (B, ...). Overwritten.
    steps : int
        Number of steps t.
    lif : Lif
        Constants.
    constant : bool
        The sums are the same at every step.
    surrogate : bool
        Whether the mask h is wanted.

    Returns
    -------
    spikes : torch.Tensor
        0 and 1 in the type of `sums`, shape (t, B, ...).
    mask : torch.Tensor or None
        h of Eq (6), bool, the same shape.
    """
    u = sums.new_empty((steps, *sums.shape[1:])) if constant else sums
    spikes = torch.empty_like(u)
    for t in range(steps):
        torch.add(sums[0 if constant else t], carry, out=u[t])
        torch.ge(u[t], lif.u_th, out=spikes[t])
        torch.mul(u[t], lif.tau, out=carry).sub_(spikes[t], alpha=lif.theta)
    mask = u.sub_(lif.u_th).abs_() < lif.a / 2 if surrogate else None
    return spikes, mask


def gamma_of(
    e: torch.Tensor, mask: torch.Tensor, later: torch.Tensor | None, lif: Lif
) -> torch.Tensor:
    """Return the potential errors gamma of some steps, Eq (5), collapsed.

    Parameters
    ----------
    e : torch.Tensor
        Spike errors from above, shape (t, B, ...).
    mask : torch.Tensor
        h of these steps, bool.
    later : torch.Tensor, optional
        gamma of the step after the last, shape (B, ...); None at an interval's end.
    lif : Lif
        Constants.
    """
    h = mask.to(e.dtype)
    gamma = torch.mul(e, h).mul_(1 / lif.a)
    keep = h.mul_(-lif.theta / lif.a).add_(lif.tau)
    for t in range(len(gamma) - 1, -1, -1):
        if later is not None:
            gamma[t].addcmul_(keep[t], later)
        later = gamma[t]
    return gamma
