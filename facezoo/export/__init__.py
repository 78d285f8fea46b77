"""Export: a model as a file for another runtime, which is run and compared with the original."""

from facezoo.export.difference import Difference
from facezoo.export.make import ExportReport, export_model
from facezoo.export.targets import TARGETS, Target

__all__ = ["export_model", "ExportReport", "Difference", "TARGETS", "Target"]
