"""The table of task kinds."""

from __future__ import annotations

from facezoo.evaluation.protocols.tasks.all_pairs import AllPairsTask
from facezoo.evaluation.protocols.tasks.base import Task
from facezoo.evaluation.protocols.tasks.distractors import DistractorsTask
from facezoo.evaluation.protocols.tasks.pairs import PairsTask
from facezoo.evaluation.protocols.tasks.reject import RejectTask
from facezoo.evaluation.protocols.tasks.search import SearchTask
from facezoo.evaluation.protocols.tasks.template_search import TemplateSearchTask
from facezoo.evaluation.protocols.tasks.templates import TemplatesTask
from facezoo.evaluation.protocols.tasks.videos import VideosTask

TASKS: dict[str, type[Task]] = {  # kind -> class
    "pairs": PairsTask,
    "all-pairs": AllPairsTask,
    "templates": TemplatesTask,
    "template-search": TemplateSearchTask,
    "search": SearchTask,
    "distractors": DistractorsTask,
    "videos": VideosTask,
    "reject": RejectTask,
}
