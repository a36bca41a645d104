"""Fixtures that several test files share."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import settings

if "PYTEST_XDIST_WORKER" in os.environ:  # else each worker has threads for all cores, which wait
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Tests start hundreds of processes; each would compile what it imports, which takes longer than they do.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
os.environ.pop("PYTEST_ADDOPTS", None)  # options of this run, not of the runs that it starts

settings.register_profile("untimed", deadline=None)  # a busy machine is no fault
settings.register_profile("short", deadline=None, max_examples=10)
settings.load_profile("untimed")

GOLDEN = Path(__file__).parent / "golden"
EXAMPLES = "test_declared_names_and_examples"
COMMANDS = ("test_docs_json", "test_integrations")


def pytest_addoption(parser):
    """Add the options that write the golden files anew, and that take few cases."""
    parser.addoption("--update-golden", action="store_true", help="write tests/golden anew")
    parser.addoption("--short", action="store_true", help="one case of each file, and all examples")


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_make_scheduler(config, log):
    """Keep the tests of a file in one process, in order: plans and pages that they share are made once."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)


def pytest_configure(config):
    """Take few of the generated cases in a short run."""
    if config.getoption("short"):
        settings.load_profile("short")


def pytest_collection_modifyitems(config, items):
    """Take the first case of each file in a short run, of each test of commands, and all examples."""
    if config.getoption("short"):
        firsts = {
            (item.path, item.path.name.startswith(COMMANDS) and item.originalname): item.nodeid
            for item in reversed(items)
        }.values()
        kept = {*firsts, *(item.nodeid for item in items if item.originalname == EXAMPLES)}
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in kept])
        items[:] = [item for item in items if item.nodeid in kept]


@pytest.fixture
def golden(request):
    """Compare a text with a golden file, or write it with --update-golden."""

    def compare(name, text):
        path = GOLDEN / name
        if request.config.getoption("update_golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), (
            f"{path} differs. If the change is meant: pytest --update-golden, and review the diff."
        )

    return compare


@pytest.fixture(scope="session")
def traces():
    """Return the folder of real request traces, or skip where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no folder of request traces at {folder}")
    return folder


@pytest.fixture(scope="session")
def trace(traces):
    """Return a trace of conversations, or skip where it is absent."""
    path = traces / "mooncake_conversation_first_half.csv.gz"
    if not path.is_file():
        pytest.skip(f"no trace {path.name} in {traces}")
    return path


@pytest.fixture
def read(tmp_path):
    """Read what a log holds, from a file of that name."""
    from kimi_planner import read_usage

    def read(content, name="log.jsonl", **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_usage(path, **options)

    return read


@pytest.fixture
def invoke(capsys):
    """Run the command line in this process; return its exit code, stdout and stderr."""
    from kimi_planner.cli import main

    def invoke(*arguments):
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return stopped.value.code or 0, out, err

    return invoke


@pytest.fixture
def run(invoke, tmp_path, monkeypatch):
    """Run the command line as ``invoke`` does, in a folder of its own, beside files: ``a_csv`` is a.csv."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, **files):
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            (tmp_path / name.replace("_", ".")).write_bytes(data)
        return invoke(*arguments)

    return run


@pytest.fixture
def check(invoke):
    """Check prompts and workloads on a certain day; return the exit code and all that is printed."""

    def check(*arguments):
        code, out, err = invoke("check", "--as-of", "2026-10-31", *arguments)
        return code, out + err

    return check


@pytest.fixture(scope="session")
def cluster():
    """Yield the client of two worker processes, whose hashes of text differ."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as workers,
        Client(workers) as client,
    ):
        assert len(client.scheduler_info()["workers"]) == 2
        yield client


@pytest.fixture(scope="session")
def browser():
    """Yield headless Chromium, or skip."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def path(plan, tmp_path_factory):
    """Write the page of a plan."""
    from kimi_planner.report.html import html_report

    made = tmp_path_factory.mktemp("report") / "report.html"
    made.write_text(html_report(plan), encoding="utf-8")
    return made


@pytest.fixture
def page(browser, path):
    """Open the page of a plan."""
    from opened import Opened

    opened = Opened(browser, path)
    yield opened
    opened.tab.close()
