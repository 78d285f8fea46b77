"""A Griffe extension for mkdocs.yml: roles, literal blocks and doctests of docstrings as Markdown.

A role such as ``:class:`a.b.C``` becomes a link where the reference has the object, and code elsewhere. A doctest
that is not in a section gets the section "Examples".
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import griffe

API = Path(__file__).resolve().parent / "api"
ROLE = re.compile(r":[a-z]+:`~?([\w.]+)`")
DOCTEST = re.compile(r"(?:^|(?<=\n\n))>>> .*(?:\n.+)*\Z", re.MULTILINE)


class Docstrings(griffe.Extension):
    """Rewrites each docstring once, when its object has been read."""

    def __init__(self) -> None:
        pages = "\n".join(path.read_text(encoding="utf-8") for path in API.glob("*.md"))
        self.documented = set(re.findall(r"^::: ([\w.]+)", pages, re.MULTILINE))
        self.public = {name.rpartition(".")[2]: name for name in self.documented}

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite its docstring."""
        if obj.docstring:
            obj.docstring.value = self.markdown(obj.docstring.value)

    def markdown(self, text: str) -> str:
        """The text of a docstring with links, code and sections that Markdown knows."""
        text = ROLE.sub(self._link, text)
        text = re.sub(r"::(?=\n\s*\n {4})", ":", text)  # an indented block follows, which is code in Markdown too
        return DOCTEST.sub(lambda found: "Examples:\n" + re.sub(r"^", "    ", found[0], flags=re.MULTILINE), text)

    def _link(self, role: re.Match[str]) -> str:
        name = role[1]
        short = name.rpartition(".")[2]
        target = name if name in self.documented else self.public.get(short)
        return f"[`{short}`][{target}]" if target else f"`{name}`"
