"""From logits to a loss per sample: cross-entropy over all columns or over this rank's, and the focal factor."""

from __future__ import annotations

from collections.abc import Callable

import paddle

Reduce = Callable[[paddle.Tensor, str], paddle.Tensor]  # (values, "sum" | "max") -> the same over all parts


def cross_entropy(
    logits: paddle.Tensor, target: paddle.Tensor, *, label_smoothing: float = 0.0, num_classes: int = 0,
    reduce: Reduce | None = None,
) -> paddle.Tensor:  # fmt: skip
    """Cross-entropy of each sample, (N,).

    Args:
        logits: (N, C_local), this part's columns.
        target: (N,) int64, the target's column here, or -1 where another part owns it.
        label_smoothing: 0..1.
        num_classes: C over all parts; needed with ``reduce`` and label smoothing.
        reduce: combines values of all parts; None when the columns are complete.
    """
    if reduce is None:
        logits = logits - logits.detach().max(axis=1, keepdim=True)  # far from 0, logsumexp's gradient is coarse
        own = paddle.take_along_axis(logits, target[:, None], axis=1)[:, 0]
        wanted = (1 - label_smoothing) * own + label_smoothing * logits.mean(axis=1)
        return paddle.logsumexp(logits, axis=1) - wanted  # F.cross_entropy stops at 64 a sample on the CPU
    part = paddle.logsumexp(logits, axis=1)  # (N,)
    top = reduce(part.detach(), "max")
    log_sum = paddle.log(reduce(paddle.exp(part - top), "sum")) + top
    own = paddle.take_along_axis(logits, target.clip(min=0)[:, None], axis=1)[:, 0]
    own = reduce(paddle.where(target >= 0, own, paddle.zeros_like(own)), "sum")
    loss = log_sum - (1 - label_smoothing) * own
    if label_smoothing:
        loss = loss - label_smoothing * reduce(logits.sum(axis=1), "sum") / num_classes
    return loss


def focal(losses: paddle.Tensor, gamma: float) -> paddle.Tensor:
    """Focal factor on each sample's loss (Lin et al., ICCV 2017): (1 - exp(-loss))^gamma * loss, not detached."""
    rest = -paddle.expm1(-losses)  # 1 - p
    rest = rest.clip(min=1e-12 if gamma < 1 else 0.0)  # below 1 the power's slope is infinite at p = 1
    return rest**gamma * losses
