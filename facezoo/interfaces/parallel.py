"""How several processes train one model: what is replicated, what is divided, and how long they wait."""

from __future__ import annotations

from dataclasses import dataclass

HEADS = ("auto", "dense", "sharded")
COMPRESSIONS = ("none", "float16", "bfloat16")


@dataclass(frozen=True)
class ParallelSettings:
    """Data-parallel training; one process takes the same settings and communicates with nobody.

    Attributes:
        head: "dense": every process holds all classes and computes the loss of its own images. "sharded": each holds
            C / world_size classes and computes the loss of all images on them (Deng et al., ArcFace, section 3.3);
            "auto" shards where several processes train and the head allows it.
        sample_rate: share of the classes that a step computes, above 0 to 1: Partial FC. Below 1 needs "sharded".
        sync_batch_norm: whether batch norm takes mean and variance over the images of all processes.
        find_unused: whether some parameters of the backbone may take no part in a step.
        compression: type that gradients are sent in, one of ``COMPRESSIONS``; torch only.
        timeout: seconds that a process waits for the others before it gives up.
    """

    head: str = "auto"
    sample_rate: float = 1.0
    sync_batch_norm: bool = False
    find_unused: bool = False
    compression: str = "none"
    timeout: float = 1800.0
