"""Compile the counting engine while the package is built, where there is a C compiler.

Without one, or with KIMI_PLANNER_NO_NATIVE set, the package is pure Python and counts by splintr.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "kimi_planner/tokens/native"
FLAGS = ["-std=c11", "-D_DEFAULT_SOURCE", "-O3", "-shared", "-fPIC", "-fvisibility=hidden"]


class CompileEngine(BuildHookInterface[Any]):
    """The build hook that hatchling finds here."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and add the library to what is built."""
        library = Path(self.root, FOLDER, "counter.compiled")
        if self.target_name != "wheel" or not self._compiled(library):
            return
        build_data["artifacts"].append(f"/{FOLDER}/{library.name}")
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"

    def _compiled(self, library: Path) -> bool:
        names = [os.environ.get("CC", "cc"), "gcc", "clang"]
        compiler = next(filter(None, map(shutil.which, names)), None)
        if compiler is None or os.environ.get("KIMI_PLANNER_NO_NATIVE"):
            library.unlink(missing_ok=True)
            return False
        part = library.with_suffix(f".{os.getpid()}.part")
        command = [compiler, *FLAGS, "-o", part, library.with_suffix(".c")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            part.unlink(missing_ok=True)
            library.unlink(missing_ok=True)
            self.app.display_warning(
                f"counting by splintr, because {compiler} failed:\n{done.stderr}"
            )
            return False
        part.replace(library)  # at once: a running process may have the old one open
        return True
