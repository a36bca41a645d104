"""Every notebook runs from top to bottom in a real kernel, on public names only."""

import ast
import re
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


def words_of(output):
    """Return what a reader sees of an output: its text, and its table if it has one."""
    data = output.get("data", {})
    return output.get("text"), data.get("text/plain"), data.get("text/html")


def test_the_readme_points_to_every_notebook():
    """No notebook is left out, and none is named that is not there."""
    readme = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"\(notebooks/([^)]+\.ipynb)\)", readme)
    assert sorted(set(named)) == [path.name for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_and_prints_what_is_committed(path, tmp_path, request):
    """A fresh kernel gives the committed text again, and a picture for every plot."""
    committed = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        fresh,
        timeout=120,
        kernel_name="python3",
        coalesce_streams=True,
        record_timing=False,
        store_widget_state=False,
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()
    if request.config.getoption("--update-golden"):
        nbformat.write(fresh, path)
        committed = fresh
    plots = sum(len(re.findall(r"kp\.plot\.(?!explore)", cell.source)) for cell in code_of(fresh))
    assert len(pictures_of(fresh)) == len(pictures_of(committed)) == plots
    for ran, kept in zip(code_of(fresh), code_of(committed), strict=True):
        for output, expected in zip(ran.outputs, kept.outputs, strict=True):
            if "image/png" not in output.get("data", {}):
                assert words_of(output) == words_of(expected)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_uses_public_names_only(path):
    """A notebook imports the package itself and nothing from inside it."""
    cells = code_of(nbformat.read(path, as_version=4))
    lines = [line for cell in cells for line in cell.source.split("\n")]
    source = "\n".join(line for line in lines if not line.startswith("!"))  # those of the shell
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            assert not (node.module or "").startswith("kimi_planner")
        elif isinstance(node, ast.Import):
            assert not any(alias.name.startswith("kimi_planner.") for alias in node.names)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_first_cell_says_what_a_notebook_needs(path):
    """What must be installed, and what is written, stands before the first line of code."""
    notebook = nbformat.read(path, as_version=4)
    first, code = notebook.cells[0], "\n".join(cell.source for cell in code_of(notebook))
    assert first.cell_type == "markdown"
    assert "Needs Jupyter" in first.source
    assert ("report]" in first.source) is ("write_report" in code)
    writes = any(word in code for word in ("write_report", "write_text", "to_csv", "open("))
    assert ("Writes nothing." in first.source) is not writes
