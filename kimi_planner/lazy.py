"""Public names that are imported on first use, so that a group costs nothing until it is used."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from threading import RLock
from typing import Any

#: Held while a module is imported or an engine is built, and over a fork: a child would wait for ever
#: for what is half made by a thread that does not live on in it. It is one lock, and made when the
#: package is imported: a fork that waits for it runs no hook that came later.
making = RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=making.acquire, after_in_parent=making.release, after_in_child=making.release
    )


def public_names(
    package: str, homes: Mapping[str, str]
) -> tuple[list[str], Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__all__``, ``__getattr__`` and ``__dir__`` of a package.

    Parameters
    ----------
    package : str
        Name of the package.
    homes : mapping of str to str
        From a module of `kimi_planner` to the names it has for the public, separated by spaces;
        from nothing to modules that are public themselves.
    """
    home_of = {name: module for module, names in homes.items() for name in names.split()}
    exported = sorted(home_of)

    def getattr_(name: str) -> Any:
        if name not in home_of:
            from kimi_planner.errors import did_you_mean

            near = "" if name.startswith("_") else did_you_mean(name, exported)
            raise AttributeError(f"module {package!r} has no attribute {name!r}.{near}", name=name)
        home = home_of[name]
        with making:
            # a test run that counts nothing does without it
            from kimi_planner.errors import planning

            with planning():
                module = import_module(f"kimi_planner.{home or name}")
        value = getattr(module, name) if home else module
        setattr(sys.modules[package], name, value)  # found without this the next time
        return value

    def dir_() -> list[str]:
        own = {"__version__"} & vars(sys.modules[package]).keys()
        return sorted({*own, *exported})

    return exported, getattr_, dir_
