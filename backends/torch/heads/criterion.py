"""From logits to a loss per sample: cross-entropy over all columns or over this rank's, and the focal factor."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F

Reduce = Callable[[torch.Tensor, str], torch.Tensor]  # (values, "sum" | "max") -> the same over all parts


def cross_entropy(
    logits: torch.Tensor, target: torch.Tensor, *, label_smoothing: float = 0.0, num_classes: int = 0,
    reduce: Reduce | None = None,
) -> torch.Tensor:  # fmt: skip
    """Cross-entropy of each sample, (N,).

    Args:
        logits: (N, C_local), this part's columns.
        target: (N,) int64, the target's column here, or -1 where another part owns it.
        label_smoothing: 0..1.
        num_classes: C over all parts; needed with ``reduce`` and label smoothing.
        reduce: combines values of all parts; None when the columns are complete.
    """
    if reduce is None:
        return F.cross_entropy(logits, target, reduction="none", label_smoothing=label_smoothing)
    part = torch.logsumexp(logits, dim=1)  # (N,)
    top = reduce(part.detach(), "max")
    log_sum = torch.log(reduce(torch.exp(part - top), "sum")) + top
    own = logits.gather(1, target.clamp(min=0)[:, None])[:, 0]
    own = reduce(torch.where(target >= 0, own, torch.zeros_like(own)), "sum")
    loss = log_sum - (1 - label_smoothing) * own
    if label_smoothing:
        loss = loss - label_smoothing * reduce(logits.sum(dim=1), "sum") / num_classes
    return loss


def focal(losses: torch.Tensor, gamma: float) -> torch.Tensor:
    """Focal factor on each sample's loss (Lin et al., ICCV 2017): (1 - exp(-loss))^gamma * loss, not detached."""
    rest = -torch.expm1(-losses)  # 1 - p
    rest = rest.clamp(min=1e-12 if gamma < 1 else 0.0)  # below 1 the power's slope is infinite at p = 1
    return rest**gamma * losses
