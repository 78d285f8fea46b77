"""Work on many files, cut into parts that the processes of this machine or a Ray cluster compute."""

from facezoo.bulk.engine import ENGINES, Engine
from facezoo.bulk.keep import Keep
from facezoo.bulk.run import run_shards

__all__ = ["ENGINES", "Engine", "Keep", "run_shards"]
