"""Fixtures that several test files share."""

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # a busy machine is no fault
settings.load_profile("untimed")

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser):
    """Add the option that writes the golden files anew."""
    parser.addoption("--update-golden", action="store_true", help="write tests/golden anew")


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
