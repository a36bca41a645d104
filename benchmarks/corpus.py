"""Texts to measure with, from packages that anyone can install; nothing is fetched or stored."""

from __future__ import annotations

import re
import sysconfig
from importlib.util import find_spec
from pathlib import Path

__all__ = ["code_texts", "natural_texts"]

TEXT_CHARS = 2_000

_ENTRY = re.compile(r'^msgstr(?:\[\d+\])? ((?:".*"\n?)+)', re.MULTILINE)
_QUOTED = re.compile(r'"(.*)"')


def natural_texts() -> list[str]:
    """Return texts of about 2,000 characters in some hundred languages, each sentence once.

    They are the translations that Django carries, joined by language.
    """
    spec = find_spec("django")
    if spec is None or spec.origin is None:
        raise SystemExit("Django carries the texts that are counted: pip install django")
    sentences: dict[str, dict[str, None]] = {}
    for path in sorted(Path(spec.origin).parent.rglob("*.po")):
        language = path.parent.parent.name
        found = sentences.setdefault(language, {})
        for entry in _ENTRY.findall(path.read_text(encoding="utf-8")):
            text = "".join(_QUOTED.findall(entry)).replace("\\n", "\n").replace('\\"', '"')
            if text:
                found[text] = None
    texts = []
    for found in sentences.values():
        text = ""
        for sentence in found:
            text += sentence + " "
            if len(text) >= TEXT_CHARS:
                texts.append(text)
                text = ""
        if text:
            texts.append(text)
    return texts


def code_texts() -> list[str]:
    """Return the Python files of the standard library, each as one text."""
    folder = Path(sysconfig.get_path("stdlib"))
    texts = []
    for path in sorted(folder.rglob("*.py")):
        if "site-packages" not in path.parts:
            try:
                texts.append(path.read_text(encoding="utf-8"))
            except UnicodeDecodeError:
                continue
    return texts
