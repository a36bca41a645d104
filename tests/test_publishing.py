"""A new version of a catalog is data: what data/README.md says to do is all there is to do."""

import os
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[1]
COPIED = ("kimi_planner", "data", "tests", "pyproject.toml")
#: What loads catalogs by their name or goes through all that are shipped.
NOTICING = ("test_data_files", "test_catalog", "test_cli_catalog", "test_checks_catalogs")


def test_a_version_that_is_published_as_told_changes_data_and_its_pin_alone(tmp_path):
    """The steps of data/README.md, done in a copy of the repository, leave every test passing."""
    for name in COPIED:
        source, target = ROOT / name, tmp_path / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    catalogs, pins = tmp_path / "data" / "catalogs", tmp_path / "tests" / "test_data_files.py"
    for origin, version in (("2026-06", "2027-01"), ("2026-11-public", "2027-02-public")):
        path = catalogs / f"{version}.toml"
        day = ("--as-of", f"{version[:7]}-15")
        run("kimi_planner", "catalog", "new", version, "--from", origin, "--out", str(path), *day)
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"checked_on = \S+", f"checked_on = {version[:7]}-14", text)
        text = re.sub(r'(output_usd_per_mtok = )"[\d.]+"', r'\1"7.77"', text)
        path.write_text(text, encoding="utf-8")
        digests = {
            one.name: sha256(one.read_bytes()).hexdigest()
            for one in sorted(catalogs.glob("*.toml"))
        }
        sums = "".join(f"{digest}  {name}\n" for name, digest in digests.items())
        (catalogs / "SHA256SUMS").write_text(sums, encoding="utf-8")
        pin = f'PINNED = {{\n    "{version}": "{digests[path.name]}",\n'
        pinned = pins.read_text(encoding="utf-8").replace("PINNED = {\n", pin, 1)
        pins.write_text(pinned, encoding="utf-8")
        told = run("kimi_planner", "catalog", "check", str(path), *day)
        assert "as it was published" in told
    files = [
        str(path.relative_to(tmp_path))
        for path in sorted((tmp_path / "tests").glob("test_*.py"))
        if path.stem.startswith(NOTICING)
    ]
    assert len(files) > len(NOTICING)
    assert " passed" in run("pytest", "-q", "-x", "-p", "no:cacheprovider", *files)
