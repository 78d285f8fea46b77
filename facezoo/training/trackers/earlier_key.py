"""The key ``tensorboard`` of configurations written before there was a choice of trackers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from facezoo.deprecation import warn_deprecated
from facezoo.errors import ConfigError


def without_tensorboard_key(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values with ``trackers`` instead of ``tensorboard``: true adds nothing, false leaves TensorBoard out.

    Raises:
        ConfigError: ``tensorboard`` is neither true nor false.
    """
    if "tensorboard" not in values:
        return values
    wanted = values["tensorboard"]
    if not isinstance(wanted, bool):
        raise ConfigError(f"tensorboard is {wanted!r}; expected true or false, or the list trackers instead")
    rest = {key: value for key, value in values.items() if key != "tensorboard"}
    if wanted:  # the default of configurations that were stored with every key
        return rest
    warn_deprecated("the key tensorboard", since="0.2", removal="0.4", instead="trackers, as in trackers: []")
    given = rest.get("trackers") or []
    return {**rest, "trackers": [name for name in given if name != "tensorboard"]}
