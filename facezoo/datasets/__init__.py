"""The index of public data sets, their download and their import."""

from facezoo.datasets.catalogue import get, list_datasets, load_index
from facezoo.datasets.importing import import_archive
from facezoo.datasets.obtain import obtain

__all__ = ["list_datasets", "get", "load_index", "obtain", "import_archive"]
