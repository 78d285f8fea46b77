"""Which parts of a pretrained backbone learn, and how fast: a factor of the learning rate for each tensor."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from facezoo.errors import ConfigError
from facezoo.training.config_groups import FineTuning

LAST_STAGE = "last_stage"
ADAPTER = ("lora_down", "lora_up")  # the entries that low-rank adapters add to a layer


def blocks(names: Iterable[str]) -> dict[str, list[str]]:
    """The tensors of each block of a backbone, in the order of the network.

    A block is the first part of a name, and also the number in "stages.0" and the like.

    >>> list(blocks(["stem.conv.weight", "stages.0.1.bn.bias", "stages.1.0.bn.bias", "neck.linear.weight"]))
    ['stem', 'stages.0', 'stages.1', 'neck']
    """
    found: dict[str, list[str]] = {}
    for name in names:
        first, _, rest = name.partition(".")
        second = rest.partition(".")[0]
        found.setdefault(f"{first}.{second}" if second.isdigit() else first, []).append(name)
    return found


def learning_rates(settings: FineTuning, names: Iterable[str]) -> dict[str, float]:
    """The factor of the learning rate of each tensor of a backbone, by its canonical name; 0 is frozen.

    Args:
        settings: of the run.
        names: canonical names in the order of the network.

    Raises:
        ConfigError: a block or a pattern matches nothing, or nothing is left to train.
    """
    names = list(names)
    if settings.lora_rank:
        return {name: float(name.rpartition(".")[2] in ADAPTER) * settings.backbone_rate for name in names}
    groups = blocks(names)
    order = list(groups)
    first = _first_trained(settings.train_from, order)
    rates = {}
    for place, block in enumerate(order):
        depth = len(order) - 1 - place
        factor = 0.0 if place < first else settings.backbone_rate * settings.layer_decay**depth
        rates.update(dict.fromkeys(groups[block], factor))
    for pattern in settings.freeze:
        matched = [name for name in names if fnmatchcase(name, pattern) or name.startswith(f"{pattern}.")]
        if not matched:
            raise ConfigError(
                f"fine_tuning.freeze: {pattern!r} matches no tensor; expected a block ({', '.join(order)}) or a "
                f"pattern of names such as {names[0]!r}"
            )
        rates.update(dict.fromkeys(matched, 0.0))
    return rates


def _first_trained(name: str | None, order: list[str]) -> int:
    """The place of the first block that is trained."""
    if name is None:
        return 0
    if name == LAST_STAGE:
        numbered = [place for place, block in enumerate(order) if block.rpartition(".")[2].isdigit()]
        if not numbered:
            raise ConfigError(f"fine_tuning.train_from is {name}, but the backbone has no stages; {_expected(order)}")
        return numbered[-1]
    if name not in order:
        raise ConfigError(f"fine_tuning.train_from is {name!r}; {_expected(order)}")
    return order.index(name)


def _expected(order: list[str]) -> str:
    return f"expected one of {', '.join(order)}"
