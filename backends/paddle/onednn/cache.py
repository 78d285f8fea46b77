"""Prepared primitives by kind and shape; the ones used longest ago are dropped."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

CAPACITY = 1024  # the largest network of the zoo needs about a third

_known: OrderedDict[Hashable, Any] = OrderedDict()
_lock = threading.Lock()


def cached(key: Hashable, make: Callable[..., Any], *arguments: Any) -> Any:
    """The object of a key, made of the arguments at the first use."""
    with _lock:
        if key in _known:
            _known.move_to_end(key)
            return _known[key]
    made = make(*arguments)
    with _lock:
        _known[key] = made
        while len(_known) > CAPACITY:
            _known.popitem(last=False)
    return made
