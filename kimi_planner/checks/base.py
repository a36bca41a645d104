"""The other side of a comparison, read from Git: the files of a commit, written out beside the repository.

Nothing of the repository is run or checked out: Git only lists and prints objects, so no filter, hook or
attribute of it counts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory, TemporaryFile

from kimi_planner.boundary import Boundary
from kimi_planner.checks.baseline import Baseline
from kimi_planner.checks.budgets import CheckConfig
from kimi_planner.checks.config import load_config
from kimi_planner.checks.run import Check
from kimi_planner.errors import ConfigError, KimiPlannerError, MissingExtraError, shown
from kimi_planner.files import repository
from kimi_planner.limits import TEXT_BYTES
from kimi_planner.notes import Note, note

DIGITS = 12  # of a commit, as it is shown
_FILES, _LINK = ("100644", "100755"), "120000"
#: No question, no lock, no fetching of what a partial clone left out, messages that can be told apart.
_QUIET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "LC_ALL": "C",
}


@dataclass(frozen=True)
class Base:
    """What a configuration is compared with.

    Attributes
    ----------
    moment
        What prompts and workloads were.
    notes
        What the reader must know of it.
    """

    moment: Baseline
    notes: tuple[Note, ...] = ()


def bases(ref: str, configs: Iterable[CheckConfig], as_of: date | None = None) -> list[Base]:
    """Return what each configuration is compared with: a commit, checked by its own configuration.

    Parameters
    ----------
    ref : str
        A branch, tag or commit; the commit is the last that its history shares with ``HEAD``, where
        the clone shows that.
    configs : iterable of CheckConfig
        The configurations as they are now.
    as_of : date, optional
        The day whose prices count, for both sides.

    Raises
    ------
    ConfigError
        If there is no Git, no repository or no such commit.
    """
    found = []
    for config in configs:
        root = repository(config.folder)
        if root is None:
            raise ConfigError(f"--base {shown(ref)}: {config.folder} is in no Git repository.")
        git = _Git(root, ref)
        commit, is_shared = git.commit()
        below = config.folder.resolve().relative_to(root) / config.path.name
        with git.written_out(commit) as folder:
            moment, notes = _moment(config, folder / below, as_of)
        if not is_shared:
            notes = (*notes, note("base_is_newest", ref=ref))
        source = f"{ref} ({commit[:DIGITS]})"
        found.append(Base(replace(moment, source=source), notes))
    return found


def _moment(
    config: CheckConfig, path: Path, as_of: date | None
) -> tuple[Baseline, tuple[Note, ...]]:
    """Return what a folder holds, by its own configuration; by that of now where it has none."""
    try:
        return _checked(load_config(path), as_of)
    except MissingExtraError:
        raise
    except KimiPlannerError as error:
        why = (
            error.reason.replace(f"{path.parent}{os.sep}", "") if path.exists() else "there is none"
        )
    said = note("base_config", path=config.path.name, why=why.rstrip("."))
    now = replace(config, path=path, boundary=Boundary(repository(path.parent)))
    moment, notes = _checked(now, as_of)
    return moment, (said, *notes)


def _checked(config: CheckConfig, as_of: date | None) -> tuple[Baseline, tuple[Note, ...]]:
    """Return what a configuration finds; all its files are read, as they will soon be gone."""
    check = Check(config, as_of)
    moment, unread = check.moment, sorted(check.unread)
    if any(one.has_calls for one in config.prompts):
        with config.boundary.held():
            faults = list(check.months.faults())
        moment = replace(moment, months=None if faults else check.months)
    return moment, (note("base_unread", paths=unread),) if unread else ()


class _Git:
    """Git, asked about one repository and one name of a commit in it."""

    def __init__(self, root: Path, ref: str) -> None:
        self._root = root
        self._ref = ref
        program = shutil.which("git")
        if program is None or Path(program).resolve().is_relative_to(root):
            raise self._fault("no Git is on the path outside of the repository. Install it")
        self._git = [program, "-c", "core.fsmonitor=false", "-C", str(root)]

    def _fault(self, why: str) -> ConfigError:
        return ConfigError(f"--base {shown(self._ref)}: {why}.")

    def _asked(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(  # noqa: S603 - git itself, with arguments that are no options
            [*self._git, *words],
            capture_output=True,
            check=False,
            env=_environment(),
            stdin=subprocess.DEVNULL,
        )

    def commit(self) -> tuple[str, bool]:
        """Return the commit to compare with, and whether it is one that ``HEAD`` comes from."""
        name = f"{self._ref}^{{commit}}"
        answer = self._asked("rev-parse", "--verify", "--quiet", "--end-of-options", name)
        if answer.returncode:
            raise self._fault(self._why_no_commit(answer.stderr))
        newest = answer.stdout.decode().strip()
        shared = self._asked("merge-base", "HEAD", newest)
        return (shared.stdout.decode().split() or [newest])[0], not shared.returncode

    def _why_no_commit(self, said: bytes) -> str:
        if said.strip():  # such as that the folder belongs to somebody else
            return f"Git says: {said.decode(errors='replace').strip().splitlines()[0].rstrip('.')}"
        remote, _, branch = self._ref.partition("/")
        fetch = "git fetch " + (
            f"{remote} +{branch}:refs/remotes/{self._ref}" if branch else "--tags"
        )
        if self._asked("rev-parse", "--is-shallow-repository").stdout.strip() == b"true":
            return (
                "this clone is shallow and has no such commit. Give GitHub's checkout fetch-depth: 0, "
                f"GitLab's job GIT_DEPTH: 0, or fetch it before: {fetch}"
            )
        return f"there is no such commit. Correct the name, or fetch it before: {fetch}"

    @contextmanager
    def written_out(self, commit: str) -> Iterator[Path]:
        """Write the files of a commit to a folder that is a repository by its looks, and remove it."""
        rows = self._asked("ls-tree", "-r", "-z", "-l", "--full-tree", commit).stdout.split(b"\0")
        files, links = {}, {}  # which come last, so that no file is written through one
        for head, _, name in (row.partition(b"\t") for row in rows if row):
            mode, _, blob, size = head.decode().split()
            path = os.fsdecode(name)
            if not _is_below(path):
                continue
            if mode == _LINK:
                links[path] = blob
            elif mode in _FILES and int(size) <= TEXT_BYTES:
                files[path] = blob
        with TemporaryDirectory(prefix="kimi-planner-base-") as folder:
            root = Path(folder).resolve()
            (root / ".git").mkdir()
            for path, content in self._contents(files | links):
                target = root / path
                target.parent.mkdir(parents=True, exist_ok=True)
                if path in files:
                    target.write_bytes(content)
                    continue
                with suppress(OSError, ValueError):  # a system without links; what cannot be a path
                    target.symlink_to(os.fsdecode(content))
            yield root

    def _contents(self, blobs: dict[str, str]) -> Iterator[tuple[str, bytes]]:
        """Yield the content of each path, in order."""
        with TemporaryFile() as asked:
            asked.write("".join(f"{blob}\n" for blob in blobs.values()).encode())
            asked.seek(0)
            with subprocess.Popen(  # noqa: S603 - as above
                [*self._git, "cat-file", "--batch"],
                stdin=asked,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
            ) as git:
                assert git.stdout is not None, "it is a pipe"  # noqa: S101 - narrows the type
                for path in blobs:
                    head = git.stdout.readline().split()
                    if len(head) != 3:
                        raise self._fault(
                            f"{shown(path)} of it is not in this clone. Fetch it before"
                        )
                    yield path, git.stdout.read(int(head[2]))
                    git.stdout.read(1)


def _environment() -> dict[str, str]:
    """Return the environment of Git without what a hook of it says of another repository."""
    others = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR")
    return {name: value for name, value in os.environ.items() if name not in others} | _QUIET


def _is_below(path: str) -> bool:
    """Whether a name in a commit is one of a file below the root, which Git does not assure."""
    parts = PurePosixPath(path).parts
    return (
        bool(parts)
        and not path.startswith("/")
        and not {"..", ".git"} & {part.casefold() for part in parts}
    )
