"""Where the parts of a bulk job are computed."""

from __future__ import annotations

from dataclasses import dataclass

from facezoo.errors import ConfigError, UnknownNameError

ENGINES = ("local", "ray")


@dataclass(frozen=True)
class Engine:
    """Where the parts of a bulk job are computed. The result does not depend on it.

    Attributes:
        name: "local": processes of this machine; "ray": tasks of a Ray cluster.
        workers: number of processes, 1 or more; None: one per core. local: with 1, this process does all. ray: given,
            a cluster with this number of CPUs is started on this machine and ends with the job.
        address: of a Ray cluster, such as "auto", "host:6379" or "ray://host:10001"; None: the one in
            ``RAY_ADDRESS``, else a cluster that ``ray start`` started on this machine, else a new one as with
            ``workers``.
        retries: how often Ray repeats a part whose worker process or machine died, 0 or more.
    """

    name: str = "local"
    workers: int | None = None
    address: str | None = None
    retries: int = 3

    def __post_init__(self) -> None:
        if self.name not in ENGINES:
            raise UnknownNameError("engine", self.name, ENGINES)
        if self.workers is not None and self.workers < 1:
            raise ConfigError(f"workers is {self.workers}; expected 1 or more")
        if self.retries < 0:
            raise ConfigError(f"retries is {self.retries}; expected 0 or more")
        if self.address is not None and self.name != "ray":
            raise ConfigError(f"a Ray address {self.address!r} goes with engine 'ray'; the engine is {self.name!r}")
        if self.address is not None and self.workers is not None:
            raise ConfigError(
                f"got {self.workers} workers and the Ray address {self.address!r}; a cluster has its own number of "
                "CPUs, so give one of the two"
            )

    @classmethod
    def of(cls, engine: str | Engine, workers: int | None = None) -> Engine:
        """The engine itself, or the one with this name and number of workers."""
        return engine if isinstance(engine, Engine) else cls(engine, workers)
