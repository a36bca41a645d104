"""Every notebook runs from top to bottom in a real kernel, on public names only."""

import ast
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="the extra [notebook] is not installed")
nbclient = pytest.importorskip("nbclient", reason="the extra [notebook] is not installed")

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

pytestmark = pytest.mark.filterwarnings("default")  # of Jupyter's own event loops


def code_of(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def pictures_of(notebook):
    return [
        output
        for cell in code_of(notebook)
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]


def test_there_are_notebooks():
    """The glob finds what the README points to."""
    assert [path.name for path in NOTEBOOKS][:1] == ["01_quickstart.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_and_prints_what_is_committed(path, tmp_path):
    """A fresh kernel gives the committed text again, and a picture for every plot."""
    committed = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        fresh, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    plots = sum(cell.source.count("kp.plot.") for cell in code_of(fresh))
    assert len(pictures_of(fresh)) == len(pictures_of(committed)) == plots > 0
    for ran, kept in zip(code_of(fresh), code_of(committed), strict=True):
        for output, expected in zip(ran.outputs, kept.outputs, strict=True):
            texts = [
                one.get("text") or one.get("data", {}).get("text/plain")
                for one in (output, expected)
            ]
            if "image/png" not in output.get("data", {}):
                assert texts[0] == texts[1]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_uses_public_names_only(path):
    """A notebook imports the package itself and nothing from inside it."""
    source = "\n".join(cell.source for cell in code_of(nbformat.read(path, as_version=4)))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            assert not (node.module or "").startswith("kimi_planner")
        elif isinstance(node, ast.Import):
            assert not any(alias.name.startswith("kimi_planner.") for alias in node.names)
