"""Running the parts of a job on an engine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Any

from facezoo.bulk.engine import Engine
from facezoo.bulk.keep import Keep
from facezoo.bulk.local import run_local
from facezoo.bulk.ray_tasks import run_on_ray
from facezoo.bulk.work import Failure, Make
from facezoo.errors import ConfigError


def run_shards(
    make: Make,
    shards: Sequence[Any],
    *,
    engine: str | Engine = "local",
    keep: Keep | None = None,
    device: str = "cpu",
) -> Iterator[tuple[int, Any]]:
    """Apply one function to every part of a job.

    A part is computed by one thread of one process, so that its result is the same on every engine, on processors of
    the same kind.

    Args:
        make: called once in each worker process; returns the function from a part to its result. It, the parts and the
            results are pickled: a function of a module, or :func:`functools.partial` of one.
        shards: the parts. How the work is cut must not depend on the engine.
        engine: "local", "ray" or an :class:`Engine`.
        keep: stores each result when it is there; parts that it holds are not computed again.
        device: "cpu", or a name that starts with "gpu": each task of Ray then reserves one GPU; "auto": where the
            cluster has any.

    Yields:
        (number of the part, its result): kept ones first, then in the order in which they end.

    Raises:
        FacezooError: the function raised it in a worker process.
        WorkerError: a worker process died; for Ray more often than ``engine.retries``.
    """
    engine = Engine.of(engine)
    if engine.name == "ray" and ":" in device:
        raise ConfigError(f"device is {device!r}, a GPU of this machine; with engine 'ray' give 'gpu', 'cpu' or 'auto'")
    with keep.opened() if keep is not None else contextlib.nullcontext():
        missing = []
        for number, shard in enumerate(shards):
            result = keep.load(number) if keep is not None else None
            if result is None:
                missing.append((number, shard))
            else:
                yield number, result
        if not missing:
            return
        if engine.name == "ray":
            results = run_on_ray(make, missing, engine, "gpu" if device.startswith("cuda") else device)
        else:
            results = run_local(make, missing, engine.workers or os.cpu_count() or 1)
        with contextlib.closing(results):  # type: ignore[type-var]
            for number, result in results:
                if isinstance(result, Failure):
                    raise result.raised()
                if keep is not None:
                    keep.save(number, result)
                yield number, result
