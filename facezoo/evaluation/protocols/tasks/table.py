"""The table of task kinds. A new kind is one file in this folder and one line in :data:`TASKS`.

The file holds a subclass of :class:`facezoo.evaluation.protocols.tasks.base.Task`: its fields are the keys of the
YAML entry, with ``kind: Literal["my-kind"]``, and ``run`` computes the figures. Its other methods and class attributes
state which list files and images the task needs, and whether plain rows or a ``.bin`` are enough. Protocol files, the
command line and reports use only these.
"""

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
