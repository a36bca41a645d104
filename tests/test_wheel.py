"""The built wheel works by itself: installed into an empty environment, it plans the example."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel from the checkout."""
    pytest.importorskip("build", reason="the package build is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("*.whl")
    return path


def test_wheel_holds_the_data_and_nothing_else(wheel):
    """Catalogs, examples, the page template, licences; no tests, no notebooks."""
    names = set(zipfile.ZipFile(wheel).namelist())
    for needed in (
        "kimi_planner/data/catalogs/2026-06.toml",
        "kimi_planner/data/catalogs/2026-11-public.toml",
        "kimi_planner/data/catalogs/SHA256SUMS",
        "kimi_planner/data/evaluations/example.csv",
        "kimi_planner/data/limits/2026-11.toml",
        "kimi_planner/data/workloads/example.toml",
        "kimi_planner/report/page/page.css",
        "kimi_planner/report/page/page.html.j2",
        "kimi_planner/report/page/page.js",
        "kimi_planner/py.typed",
        "tiktoken_ext/kimi_planner.py",
    ):
        assert needed in names
    assert any(name.endswith("licenses/NOTICE") for name in names)
    roots = {name.split("/")[0].split("-")[0] for name in names}
    assert roots == {"kimi_planner", "tiktoken_ext"}
    assert not [name for name in names if name.endswith((".c", ".h", ".part"))]


def test_wheel_holds_the_library_where_there_is_a_compiler(wheel):
    """A wheel with the library names the platform that it is for; one without is for all."""
    compiled = "kimi_planner/tokens/native/counter.compiled" in zipfile.ZipFile(wheel).namelist()
    assert compiled == any(map(shutil.which, ("cc", "gcc", "clang")))
    assert wheel.name.endswith("-py3-none-any.whl") != compiled


def test_wheel_plans_in_an_empty_environment(wheel, tmp_path):
    """With nothing but its declared dependencies `kimi-planner plan` gives the example's plan."""
    home = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    installed = subprocess.run(
        [home / "bin" / "pip", "install", "--quiet", wheel],
        capture_output=True,
        text=True,
        check=False,
    )
    if "NewConnectionError" in installed.stderr or "Temporary failure" in installed.stderr:
        pytest.skip("no package index within reach to install the dependencies from")
    assert installed.returncode == 0, installed.stderr
    arguments = ["plan", "--as-of", "2026-11-24", "--months", "2", "--format", "json", "--out", "o"]
    done = subprocess.run(
        [home / "bin" / "kimi-planner", *arguments],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert len(plan["spend"]) == 5 * 4 * 2
    assert len(list((tmp_path / "o").glob("*.png"))) == 3
