"""Progress of parts of a longer task."""

import pytest

from facezoo.io.progress import part_of


@pytest.mark.parametrize(("total", "shown"), [(100, 100), (None, 30)])
def test_a_part_reports_the_progress_of_the_whole(total, shown):
    calls = []
    report = part_of(lambda *counts: calls.append(counts), 20, total, "b.zip")
    report(5, 10, "text of the part")
    report(6)
    assert calls == [(25, shown, "b.zip"), (26, total, "b.zip")]
