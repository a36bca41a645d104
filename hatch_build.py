"""Compile the counting engine while the package is built, where there is a C compiler.

Without one, or with KIMI_PLANNER_NO_NATIVE set, the package is pure Python and counts by splintr.
CC names another compiler, with arguments if need be, and CFLAGS more of them.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LIBRARY = "kimi_planner/tokens/native/counter.compiled"
DIGEST = f"{LIBRARY}.sha256"  # what the library is held against before it is loaded
FLAGS = ["-std=c11", "-D_DEFAULT_SOURCE", "-O3", "-shared", "-fPIC", "-fvisibility=hidden"]


class CompileEngine(BuildHookInterface[Any]):
    """The build hook that hatchling finds here."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and add the library to what is built."""
        if self.target_name != "wheel":
            return
        self._folder = Path(tempfile.mkdtemp())
        compiled = self._folder / "counter.compiled"
        try:
            self._compile(compiled)
            if version == "editable":  # the checkout is what is imported
                self._put_in_place(compiled)
        except OSError as error:
            self.app.display_warning(f"counting by splintr: {error}")
            return
        if compiled.exists():
            if version != "editable":
                digest = self._folder / "digest"
                digest.write_text(_digest(compiled), encoding="ascii")
                build_data["force_include"] |= {str(compiled): LIBRARY, str(digest): DIGEST}
            build_data["pure_python"] = False
            platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["tag"] = f"py3-none-{platform}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Leave nothing behind."""
        if self.target_name == "wheel":
            shutil.rmtree(self._folder, ignore_errors=True)

    def _compile(self, compiled: Path) -> None:
        asked = shlex.split(os.environ.get("CC", ""))
        found = [[name] for name in ("cc", "gcc", "clang") if shutil.which(name)]
        compiler = asked or next(iter(found), None)
        if compiler is None or os.environ.get("KIMI_PLANNER_NO_NATIVE"):
            return
        source = Path(self.root, LIBRARY).with_suffix(".c")
        more = shlex.split(os.environ.get("CFLAGS", ""))
        command = [*compiler, *FLAGS, *more, "-o", str(compiled), str(source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            compiled.unlink(missing_ok=True)
            self.app.display_warning(f"counting by splintr: {compiler[0]} failed.\n{done.stderr}")

    def _put_in_place(self, compiled: Path) -> None:
        library, digest = Path(self.root, LIBRARY), Path(self.root, DIGEST)
        digest.unlink(missing_ok=True)
        if not compiled.exists():
            library.unlink(missing_ok=True)
            return
        part = library.with_suffix(f".{os.getpid()}.compiled")
        shutil.copyfile(compiled, part)
        part.replace(library)  # at once: a running process may have the old one open
        digest.write_text(_digest(library), encoding="ascii")


def _digest(library: Path) -> str:
    return hashlib.sha256(library.read_bytes()).hexdigest() + "\n"
