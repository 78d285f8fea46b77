"""The parts of a job as tasks of Ray, which places them, and repeats those whose worker process or machine died."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from functools import partial
from typing import Any

from facezoo.bulk.engine import Engine
from facezoo.bulk.local import one_thread_each
from facezoo.bulk.work import Make, compute
from facezoo.errors import BackendUnavailableError, ConfigError, WorkerError

_USAGE_REPORT = "RAY_USAGE_STATS_ENABLED"  # Ray sends a report over the network unless this is 0
_ANSWER = 10.0  # seconds in which a cluster must accept a connection
NAME = "facezoo part"  # of the tasks in Ray's tools


def run_on_ray(make: Make, parts: Sequence[tuple[int, Any]], engine: Engine, device: str) -> Iterator[tuple[int, Any]]:
    """(number, result) of each part, as they end.

    Args:
        make: see :func:`facezoo.bulk.run_shards`; sent to each machine once.
        parts: (number, part).
        engine: names the cluster.
        device: "cpu" or "gpu", or "auto": a GPU for each task where the cluster has any.

    Raises:
        WorkerError: the workers of one part died more often than ``engine.retries``.
        ConfigError: there is no such cluster.
    """
    ray = _ray()
    # Ray prints on standard output that a worker died, which is for the results of a command
    with contextlib.redirect_stdout(sys.stderr), _connected(ray, engine):
        gpus = 1 if device == "gpu" or (device == "auto" and ray.cluster_resources().get("GPU", 0) >= 1) else 0
        task = ray.remote(facezoo_part).options(
            num_cpus=1, num_gpus=gpus, max_retries=engine.retries, scheduling_strategy="SPREAD", name=NAME
        )  # fmt: skip
        job, kept = secrets.token_hex(8), ray.put((os.getcwd(), make))
        # in a list, because Ray would read a reference that is an argument itself again for every task
        waiting: dict[Any, tuple[int, Any]] = {}
        for number, part in parts:
            reference = task.remote(job, [kept], part)
            waiting[reference.future()] = number, reference
        try:
            for future in as_completed(waiting):
                number, _ = waiting.pop(future)  # with the reference goes the result in Ray's memory
                yield number, _result(ray, future, number, engine)
        finally:
            for _, reference in waiting.values():
                with contextlib.suppress(Exception):  # it has ended, or the cluster is gone
                    ray.cancel(reference)


def facezoo_part(job: str, make: list[Any], part: Any) -> Any:
    """One task; runs in a worker process of Ray."""
    import ray

    return compute(job, partial(_made_in_place, ray.get, make[0]), part)


def _made_in_place(get: Callable[[Any], tuple[str, Make]], reference: Any) -> Make:
    """The maker, after a change to the working folder of the program that started the job: paths may be relative."""
    folder, make = get(reference)
    if os.path.isdir(folder):
        os.chdir(folder)
    return make


def _result(ray: Any, future: Any, number: int, engine: Engine) -> Any:
    try:
        return future.result()
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    except ray.exceptions.RayError as error:
        raise WorkerError(
            f"part {number} failed {engine.retries + 1} times on Ray ({type(error).__name__}: "
            f"{str(error).strip().splitlines()[0]}); repeat the command to continue"
        ) from error


def _ray() -> Any:
    os.environ.setdefault(_USAGE_REPORT, "0")
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise BackendUnavailableError(f"engine 'ray' needs Ray ({error}): pip install 'facezoo[ray]'") from error
    return ray


@contextlib.contextmanager
def _connected(ray: Any, engine: Engine) -> Iterator[None]:
    """Connected to a cluster while the block runs; a connection that the program made itself is used and left."""
    if ray.is_initialized():
        yield
        return
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    address = engine.address or os.environ.get("RAY_ADDRESS")
    try:
        _answers(address)
        with one_thread_each():  # inherited by the worker processes of a new cluster
            if not address and engine.workers is not None:
                ray.init(address="local", num_cpus=engine.workers, include_dashboard=False, **quiet)
            else:
                ray.init(address=address, **quiet)
    except (OSError, ValueError, RuntimeError) as error:
        place = address or "of this machine"
        reason = " ".join(str(error).split())[:300]
        raise ConfigError(
            f"no connection to the Ray cluster {place} ({reason}); expected an address such as host:6379, "
            "as printed by: ray start --head; one with token authentication also needs RAY_AUTH_MODE=token"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _answers(address: str | None) -> None:
    """Connect to ``host:port`` and ``ray://host:port`` once: Ray itself tries for minutes.

    Raises:
        OSError: nothing answers there.
    """
    place = (address or "").removeprefix("ray://")
    host, _, port = place.rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER).close()
