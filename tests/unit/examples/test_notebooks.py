"""The notebooks run from top to bottom, and keep small output."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[3] / "examples" / "notebooks").glob("*.ipynb"))
if not NOTEBOOKS:
    pytest.skip("the notebooks come with a checkout only", allow_module_level=True)
BYTES = 200_000


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_kept_output_is_small_and_complete(path):
    text = path.read_text("utf-8")
    cells = json.loads(text)["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(text) < BYTES
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1)), "execute it from top to bottom"
    outputs = [output for cell in code for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} <= {"stream", "display_data", "execute_result"}
    printed = "".join("".join(output.get("text", "")) for output in outputs)
    assert not re.search(r"/(?:home|root|tmp|Users)/", printed), "a path of the machine is in the output"


@pytest.mark.full
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore")  # of the notebook's own packages
def test_the_notebook_runs(path, tmp_path):
    import nbformat
    from nbclient import NotebookClient

    book = nbformat.read(path, as_version=4)
    NotebookClient(book, timeout=900, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
