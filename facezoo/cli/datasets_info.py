"""``facezoo datasets info``."""

from __future__ import annotations

from facezoo.cli import options


def command(name: options.DatasetName, as_json: options.AsJson = False) -> None:
    """Show what is known about one data set."""
    from facezoo.cli.show import count, print_facts, print_json, say
    from facezoo.datasets import get

    entry = get(name)
    if as_json:
        print_json(entry.model_dump(mode="json"))
        return
    facts: dict[str, object] = {
        "name": f"{entry.name} ({entry.title})",
        "for": ", ".join(entry.purpose),
        "identities": count(entry.identities),
        "images": count(entry.images),
    }
    if entry.videos is not None:
        facts["videos"] = count(entry.videos)
    facts |= {"figures from": entry.figures, "home": entry.home, "terms": entry.terms, "obtained": entry.obtained}
    facts |= {"how": entry.how, "layout": entry.layout, "import": entry.importer, "paper": entry.paper}
    print_facts(facts)
    for file in entry.files:
        print()
        say(f"{file.name}{' (optional)' if file.optional else ''}: {file.holds}")
        for url in file.urls:
            say(f"  {url}")
        if not file.urls:
            say(f"  by hand, from {file.page}")
        say(f"  size {count(file.size)}, sha256 {file.sha256}, md5 {file.md5}")
