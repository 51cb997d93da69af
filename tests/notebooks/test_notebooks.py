"""Every notebook runs from top to bottom, and is stored with its pictures."""

from pathlib import Path

import nbclient
import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def pictures(notebook: nbformat.NotebookNode) -> int:
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", [])]
    return sum("image/png" in o.get("data", {}) for o in outputs)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
# The kernel's own machinery warns of things outside our reach (event loop, debugger, sockets).
@pytest.mark.filterwarnings("default")
def test_notebook_runs_and_shows_its_pictures(path: Path) -> None:
    stored = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    kernel = nbclient.NotebookClient(fresh, timeout=300, kernel_name="python3")
    kernel.execute(cwd=str(path.parent))  # raises CellExecutionError with the cell's traceback
    assert pictures(fresh) == pictures(stored) > 0
    ran = [cell.execution_count for cell in stored.cells if cell.cell_type == "code"]
    assert ran == list(range(1, len(ran) + 1)), "store the notebook as run from top to bottom"


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS
