"""Measure tokens per byte by kind of text, on corpora that anyone can install.

Run ``python -m benchmarks.sizes``: it downloads the packages of :data:`PACKAGES` with pip and apt
(about 360 MB, nothing is installed), reads the files that :data:`KINDS` names, and writes
``data/tokens_per_byte.toml``. No text of a corpus is kept.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import io
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from kimi_planner import count_tokens_batch
from kimi_planner.files import data_dir
from kimi_planner.tokens.vocabulary import SHA256
from kimi_planner.writes import write_text

PIECE_BYTES = 4_000
MIN_PIECES = 100
#: No package gives more pieces to a row, so that a large one does not drown the others.
MAX_PIECES = 300
MAX_MEMBER_BYTES = 8_000_000
ENGLISH_WORDS = frozenset(
    (
        "the",
        "and",
        "this",
        "that",
        "with",
        "which",
        "you",
        "are",
        "from",
        "have",
        "it's",
        "can",
        "by",
    )
)

#: Package of Debian 12 -> version, licence words.
DEBIAN = {
    "anarchism": ("15.3-3", "GPL-2"),
    "ansible": ("7.7.0+dfsg-3+deb12u1", "GPL-3+ and others"),
    "bash-completion": ("1:2.11-6", "GPL-2+"),
    "dasher-data": ("5.0.0~beta~repack2-4", "GPL-2+"),
    "debian-handbook": ("11.20220922", "GPL-2+ or CC-BY-SA-3.0"),
    "debian-policy": ("4.6.2.0", "GPL-2+"),
    "dracut-core": ("059-4", "GPL-2+"),
    "eslint": ("6.4.0~dfsg+~6.1.9-7", "MIT"),
    "fortunes": ("1:1.99.1-7.3", "BSD"),
    "fortunes-ru": ("1.52-3.1", "GPL-2+"),
    "gnome-user-docs": ("43.0-2", "CC-BY-SA-3.0"),
    "golang-1.19-src": ("1.19.8-2", "BSD-3-Clause"),
    "icinga2-ido-pgsql": ("2.13.6-2+deb12u2", "GPL-2+"),
    "installation-guide-amd64": ("20230508+deb12u1", "GPL-2+"),
    "iso-codes": ("4.15.0-1", "LGPL-2.1+"),
    "libreoffice-l10n-hi": ("4:7.4.7-1+deb12u14", "MPL-2.0"),
    "libreoffice-l10n-th": ("4:7.4.7-1+deb12u14", "MPL-2.0"),
    "lttng-modules-dkms": ("2.13.9-1+deb12u1", "GPL-2 or LGPL-2.1"),
    "maint-guide-zh-tw": ("1.2.53", "GPL-2+"),
    "mobile-broadband-provider-info": ("20230416-1", "public domain"),
    "nodejs-doc": ("18.20.4+dfsg-1~deb12u3", "MIT"),
    "openjdk-17-source": ("17.0.21.1+2-1~deb12u1", "GPL-2 with classpath exception"),
    "openrazer-driver-dkms": ("3.5.1+dfsg-2+deb12u1", "GPL-2+"),
    "osinfo-db": ("0.20221130-2", "GPL-2+"),
    "postgresql-15-pgtap": ("1.2.0-3", "PostgreSQL"),
    "postgresql-doc-15": ("15.20-0+deb12u1", "PostgreSQL"),
    "python3.11-doc": ("3.11.2-6+deb12u9", "PSF-2.0"),
    "qtbase5-examples": ("5.15.8+dfsg-11+deb12u3", "BSD-3-Clause"),
    "roundcube-core": ("1.6.5+dfsg-1+deb12u13", "GPL-3+"),
    "rust-src": ("1.63.0+dfsg1-2", "MIT or Apache-2.0"),
    "shared-mime-info": ("2.2-1", "GPL-2+"),
    "webpack": ("5.75.0+dfsg+~cs17.16.14-1+deb12u1", "MIT"),
    "wesnoth-1.16-ei": ("1:1.16.9-1", "GPL-2+"),
    "wesnoth-1.16-httt": ("1:1.16.9-1", "GPL-2+"),
    "wesnoth-1.16-utbs": ("1:1.16.9-1", "GPL-2+"),
    "wx3.2-examples": ("3.2.2+dfsg-2", "wxWindows"),
    "zabbix-server-pgsql": ("1:6.0.14+dfsg-1+b1", "GPL-2+"),
}
#: Package of PyPI -> version, licence words.
PYPI = {
    "Django": ("5.2.19", "BSD-3-Clause"),
    "ansible-core": ("2.19.14", "GPL-3+"),
    "bokeh-sampledata": ("2026.1", "BSD-3-Clause"),
    "botocore": ("1.44.8", "Apache-2.0"),
    "check-jsonschema": ("0.39.0", "Apache-2.0"),
    "konlpy": ("0.6.0", "GPL-3+"),
    "scikit-learn": ("1.9.1", "BSD-3-Clause"),
    "snownlp": ("0.12.3", "MIT"),
    "statsmodels": ("0.15.0", "BSD-3-Clause"),
    "sympy": ("1.14.0", "BSD-3-Clause"),
    "vega-datasets": ("0.9.0", "MIT"),
}

Form = Callable[[bytes], str]


@dataclass(frozen=True)
class Corpus:
    """Files of one package, the form they are read in, and the English edition to leave out."""

    package: str
    pattern: str
    form: Form
    english: str = ""


# --- forms: from the bytes of a file to the text that is measured


def plain(raw: bytes) -> str:
    """Return a text file as it is."""
    return raw.decode()


def cookies(raw: bytes) -> str:
    """Return a fortune file without the separators of its cookies."""
    return plain(raw).replace("\n%\n", "\n")


def as_base64(raw: bytes) -> str:
    """Return a binary file in base64, on one line."""
    return base64.b64encode(raw).decode()


def sentences(raw: bytes) -> str:
    """Return the translations of a ``.mo`` file whose English original has 40 or more characters."""
    order = "<" if raw[:4] == b"\xde\x12\x04\x95" else ">"
    count, originals, translations = struct.unpack(f"{order}8x3I", raw[:20])

    def text(table: int, number: int) -> str:
        size, start = struct.unpack_from(f"{order}2I", raw, table + 8 * number)
        return raw[start : start + size].decode().split("\0")[0]

    pairs = ((text(originals, n), text(translations, n)) for n in range(count))
    return "\n".join(to for original, to in pairs if len(original) >= 40 and to != original)


class _Paragraphs(HTMLParser):
    """Collects the text of HTML or Mallard pages, a line for each block."""

    INLINE = (
        "a", "abbr", "acronym", "app", "b", "cite", "cmd", "code", "em", "file", "gui", "guiseq", "i",
        "input", "kbd", "key", "keyseq", "link", "output", "q", "small", "span", "strong", "sub",
        "sup", "sys", "tt", "u", "var",
    )  # fmt: skip
    HIDDEN = ("head", "info", "script", "style")

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._hidden += tag in self.HIDDEN
        self.parts += [] if tag in self.INLINE else ["\n"]

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.parts += [] if tag in self.INLINE else ["\n"]

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in self.HIDDEN
        self.parts += [] if tag in self.INLINE else ["\n"]

    def handle_data(self, data: str) -> None:
        self.parts += [] if self._hidden else [data.replace("\n", " ")]


def paragraphs(raw: bytes) -> str:
    """Return the text of a page, one paragraph a line."""
    parser = _Paragraphs()
    parser.feed(plain(raw))
    lines = (" ".join(line.split()) for line in "".join(parser.parts).split("\n"))
    return "\n".join(line for line in lines if line)


# --- what each kind rests on


def _language(
    handbook: str = "",
    gnome: str = "",
    wesnoth: str = "",
    dasher: str = "",
    guide: str = "",
) -> tuple[Corpus, ...]:
    """Return what the multilingual packages hold in one language."""
    pages = "*/debian-handbook/html/{}/*.html"
    mallard = "*/share/help/{}/*.page"
    manual = "*/installation-guide-amd64/{}/*.html"
    found = []
    if dasher:
        found.append(Corpus("dasher-data", f"*/training_{dasher}.txt", plain))
    if handbook:
        english = pages.format("en-US")
        found.append(Corpus("debian-handbook", pages.format(handbook), paragraphs, english))
    if gnome:
        found.append(
            Corpus("gnome-user-docs", mallard.format(gnome), paragraphs, mallard.format("C"))
        )
    if guide:
        english = manual.format("en")
        found.append(Corpus("installation-guide-amd64", manual.format(guide), paragraphs, english))
    if wesnoth:
        for campaign in ("ei", "httt", "utbs"):
            pattern = f"*/locale/{wesnoth}/LC_MESSAGES/*.mo"
            found.append(Corpus(f"wesnoth-1.16-{campaign}", pattern, sentences))
    return tuple(found)


#: kind -> title, corpora
KINDS: dict[str, tuple[str, tuple[Corpus, ...]]] = {
    "english": (
        "English prose",
        (
            Corpus("dasher-data", "*/training_english_GB.txt", plain),
            Corpus("debian-handbook", "*/debian-handbook/html/en-US/*.html", paragraphs),
            Corpus("gnome-user-docs", "*/share/help/C/*.page", paragraphs),
            Corpus("installation-guide-amd64", "*-amd64/en/*.html", paragraphs),
            Corpus("anarchism", "*/anarchism/html/*.html", paragraphs),
            Corpus("fortunes", "*/fortunes/[!.]*", cookies),
        ),
    ),
    "chinese": (
        "Chinese prose, simplified",
        (
            Corpus("snownlp", "*/sentiment/???.txt", plain),
            *_language("zh-CN", "zh_CN", "zh_CN", guide="zh_CN"),
        ),
    ),
    "chinese-traditional": (
        "Chinese prose, traditional",
        (
            Corpus("maint-guide-zh-tw", "*/html/*.html", paragraphs),
            *_language("zh-TW", wesnoth="zh_TW"),
        ),
    ),
    "japanese": ("Japanese prose", _language("ja-JP", "ja", "ja", guide="ja")),
    "korean": (
        "Korean prose",
        (
            Corpus("konlpy", "*/data/corpus/*/*.txt", plain),
            *_language(gnome="ko", wesnoth="ko", guide="ko"),
        ),
    ),
    "russian": (
        "Russian prose",
        (
            Corpus("fortunes-ru", "*/fortunes/ru/[!.]*", cookies),
            *_language("ru-RU", "ru", "ru", "russian_RU", "ru"),
        ),
    ),
    "ukrainian": ("Ukrainian prose", _language(gnome="uk", wesnoth="uk")),
    "arabic": ("Arabic prose", _language("ar-MA")),
    "persian": ("Persian prose", _language("fa-IR", "fa", "", "persian_IR")),
    "hindi": (
        "Hindi, sentences of a user interface",
        (Corpus("libreoffice-l10n-hi", "*/hi/LC_MESSAGES/*.mo", sentences),),
    ),
    "tamil": ("Tamil prose", _language(gnome="ta")),
    "thai": (
        "Thai, sentences of a user interface",
        (Corpus("libreoffice-l10n-th", "*/th/LC_MESSAGES/*.mo", sentences),),
    ),
    "vietnamese": ("Vietnamese prose", _language("vi-VN", "vi", "vi", guide="vi")),
    "indonesian": ("Indonesian prose", _language("id-ID", "id", "id", guide="id")),
    "turkish": ("Turkish prose", _language("tr-TR", "tr", "tr", "turkish_TR")),
    "greek": ("Greek prose", _language("el-GR", "el", "el", "greek_GR")),
    "spanish": ("Spanish prose", _language("es-ES", "es", "es", "spanish_ES", "es")),
    "french": ("French prose", _language("fr-FR", "fr", "fr", "french_FR", "fr")),
    "german": ("German prose", _language("de-DE", "de", "de", "german_DE", "de")),
    "italian": ("Italian prose", _language("it-IT", "it", "it", "italian_IT", "it")),
    "portuguese": (
        "Portuguese prose",
        _language("pt-BR", "pt_BR", "pt_BR", "portuguese_BR", "pt"),
    ),
    "dutch": ("Dutch prose", _language("nl-NL", "nl", "", "dutch_NL", "nl")),
    "polish": ("Polish prose", _language("pl-PL", "pl", "pl", "polish_PL")),
    "czech": ("Czech prose", _language("cs-CZ", "cs", "cs", "czech_CS", "cs")),
    "swedish": ("Swedish prose", _language("sv-SE", "sv", "sv", "swedish_SE", "sv")),
    "python": (
        "Python source",
        (
            Corpus("Django", "django/*.py", plain),
            Corpus("ansible-core", "ansible/*.py", plain),
            Corpus("scikit-learn", "sklearn/*.py", plain),
            Corpus("sympy", "sympy/*.py", plain),
        ),
    ),
    "javascript": (
        "JavaScript source, not minified",
        (
            Corpus("webpack", "*/webpack/lib/*.js", plain),
            Corpus("eslint", "*/eslint/lib/*.js", plain),
        ),
    ),
    "c": (
        "C source",
        (
            Corpus("lttng-modules-dkms", "*.c", plain),
            Corpus("openrazer-driver-dkms", "*.[ch]", plain),
        ),
    ),
    "cpp": (
        "C++ source",
        (
            Corpus("qtbase5-examples", "*.cpp", plain),
            Corpus("wx3.2-examples", "*.cpp", plain),
        ),
    ),
    "go": (
        "Go source",
        (
            Corpus("golang-1.19-src", "*/src/net/*.go", plain),
            Corpus("golang-1.19-src", "*/src/cmd/go/*.go", plain),
        ),
    ),
    "rust": (
        "Rust source",
        (
            Corpus("rust-src", "*/library/std/src/*.rs", plain),
            Corpus("rust-src", "*/compiler/*.rs", plain),
        ),
    ),
    "java": (
        "Java source",
        (
            Corpus("openjdk-17-source", "*/src.zip::java.base/java/*.java", plain),
            Corpus("openjdk-17-source", "*/src.zip::java.desktop/javax/*.java", plain),
        ),
    ),
    "shell": (
        "Shell scripts",
        (
            Corpus("bash-completion", "*/completions/*", plain),
            Corpus("dracut-core", "*.sh", plain),
        ),
    ),
    "sql": (
        "SQL, schemas and functions",
        (
            Corpus("roundcube-core", "*/SQL/*.sql", plain),
            Corpus("icinga2-ido-pgsql", "*.sql", plain),
            Corpus("zabbix-server-pgsql", "*/schema.sql.gz", plain),
            Corpus("postgresql-15-pgtap", "*/pgtap.sql", plain),
        ),
    ),
    "html": (
        "HTML, pages of documentation",
        (
            Corpus("python3.11-doc", "*/html/library/*.html", plain),
            Corpus("postgresql-doc-15", "*/html/[!b]*.html", plain),
            Corpus("debian-handbook", "*/html/en-US/*.html", plain),
            Corpus("debian-policy", "*/policy.html/*.html", plain),
        ),
    ),
    "markdown": (
        "Markdown, documentation and READMEs",
        (
            Corpus("nodejs-doc", "*/api/*.md.gz", plain),
            Corpus("ansible", "*/README.md", plain),
        ),
    ),
    "json": (
        "JSON, records and schemas",
        (
            Corpus("iso-codes", "*/json/*.json", plain),
            Corpus("vega-datasets", "*/_data/*.json", plain),
            Corpus("check-jsonschema", "*/vendor/*.json", plain),
            Corpus("botocore", "botocore/data/*/service-2.json.gz", plain),
        ),
    ),
    "yaml": (
        "YAML, playbooks and settings",
        (Corpus("ansible", "*/ansible_collections/*.yml", plain),),
    ),
    "xml": (
        "XML, records",
        (
            Corpus("osinfo-db", "*.xml", plain),
            Corpus("mobile-broadband-provider-info", "*.xml", plain),
            Corpus("shared-mime-info", "*/freedesktop.org.xml", plain),
        ),
    ),
    "csv": (
        "CSV, tables of numbers and words",
        (
            Corpus("vega-datasets", "*/_data/*.csv", plain),
            Corpus("statsmodels", "*/datasets/*.csv", plain),
            Corpus("scikit-learn", "*/datasets/data/*.csv*", plain),
            Corpus("bokeh-sampledata", "*/_data/*.csv*", plain),
        ),
    ),
    "base64": (
        "Base64 of binary files, on one line",
        (
            Corpus("debian-handbook", "*/html/*.png", as_base64),
            Corpus("gnome-user-docs", "*/share/help/*.png", as_base64),
        ),
    ),
}


# --- packages


def version_of(package: str) -> tuple[str, str, str]:
    """Return registry, version and licence words of a package."""
    registry, table = ("PyPI", PYPI) if package in PYPI else ("Debian", DEBIAN)
    return (registry, *table[package])


def fetch(package: str, folder: Path) -> Path:
    """Return the archive of a package, downloaded with its registry's client if not there yet."""
    registry, version, _ = version_of(package)
    place = folder / package
    if not place.is_dir():
        if registry == "PyPI":
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            command = [*pip, "--dest", ".", f"{package}=={version}"]
        else:
            command = ["apt-get", "download", "--quiet", f"{package}={version}"]
        with tempfile.TemporaryDirectory(dir=folder) as partial:
            subprocess.run(command, cwd=partial, check=True, stdout=subprocess.DEVNULL)
            place.mkdir()
            for path in Path(partial).iterdir():
                path.rename(place / path.name)
    (archive,) = place.iterdir()
    return archive


def members(archive: Path, patterns: set[str]) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of the files that match one of the patterns.

    A pattern ``outer::inner`` reads inside a ZIP file that the package holds.
    """
    outer = {pattern.split("::")[0] for pattern in patterns}
    inner = {pattern.split("::")[1] for pattern in patterns if "::" in pattern}
    for name, raw in _files(archive, outer):
        if inner and zipfile.is_zipfile(io.BytesIO(raw)):
            with zipfile.ZipFile(io.BytesIO(raw)) as nested:
                for entry in nested.namelist():
                    if _matches(entry, inner):
                        yield f"{name}::{entry}", nested.read(entry)
        else:
            yield name, gzip.decompress(raw) if name.endswith(".gz") else raw


def _files(archive: Path, patterns: set[str]) -> Iterator[tuple[str, bytes]]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for name in wheel.namelist():
                if _matches(name, patterns):
                    yield name, wheel.read(name)
        return
    raw = archive.read_bytes()
    if archive.suffix == ".deb":
        command = ["dpkg-deb", "--fsys-tarfile", str(archive)]
        raw = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        for entry in tar:
            if entry.isfile() and _matches(entry.name, patterns):
                found = tar.extractfile(entry)
                yield entry.name, found.read() if found else b""


def _matches(name: str, patterns: set[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


@cache
def _english_lines(archive: Path, pattern: str, form: Form) -> frozenset[str]:
    return frozenset(
        line for _, raw in members(archive, {pattern}) for line in form(raw).split("\n")
    )


def reads_english(line: str) -> bool:
    """Return whether a twelfth of the words are common ones that only English spells like this."""
    words = line.lower().split()
    return 12 * sum(word in ENGLISH_WORDS for word in words) > len(words)


def text_of(corpus: Corpus, archive: Path) -> str:
    """Return the text of a corpus, in the order of file names.

    Files that are not UTF-8 or larger than ``MAX_MEMBER_BYTES`` are left out; of a translation also
    the paragraphs that are not translated: those that the English edition has too, and those that
    read as English.
    """
    edition = corpus.english
    english = _english_lines(archive, edition, corpus.form) if edition else frozenset()
    texts = []
    for _, raw in sorted(members(archive, {corpus.pattern})):
        if len(raw) <= MAX_MEMBER_BYTES:
            try:
                text = corpus.form(raw)
            except UnicodeDecodeError:
                continue
            if edition:
                lines = text.split("\n")
                lines = [line for line in lines if line not in english and not reads_english(line)]
                text = "\n".join(lines)
            texts.append(text)
    return "\n".join(texts)


# --- measuring


def pieces(text: str, size: int = PIECE_BYTES) -> Iterator[str]:
    """Cut a text into pieces of at most ``size`` UTF-8 bytes that together are the text.

    A piece ends after the last line end in reach, else after the last space, else at a character.
    """
    raw = text.encode()
    start = 0
    while len(raw) - start > size:
        stop = start + size
        end = raw.rfind(b"\n", start, stop) + 1 or raw.rfind(b" ", start, stop) + 1
        if not end:
            while raw[stop] & 0xC0 == 0x80:  # the inside of a character
                stop -= 1
            end = stop
        yield raw[start:end].decode()
        start = end
    if start < len(raw):
        yield raw[start:].decode()


def sample(text: str) -> list[str]:
    """Return at most ``MAX_PIECES`` pieces, evenly spread over the text, none shorter than half."""
    full = [piece for piece in pieces(text) if 2 * len(piece.encode()) >= PIECE_BYTES]
    if len(full) <= MAX_PIECES:
        return full
    return [full[n * len(full) // MAX_PIECES] for n in range(MAX_PIECES)]


def measure(kind: str, folder: Path) -> str | None:
    """Return the row of a kind in TOML, or ``None`` if its corpora are too small."""
    title, corpora = KINDS[kind]
    texts: dict[str, str] = {}
    for corpus in corpora:
        text = text_of(corpus, fetch(corpus.package, folder))
        texts[corpus.package] = texts.get(corpus.package, "") + text
    found = {package: sample(text) for package, text in texts.items()}
    every = [piece for part in found.values() for piece in part]
    if len(every) < MIN_PIECES:
        print(f"{kind:20} dropped: {len(every)} pieces")
        return None
    sizes = np.array([len(piece.encode()) for piece in every])
    counts = count_tokens_batch(every)
    ratios = counts / sizes
    values = {"mean": counts.sum() / sizes.sum()}
    values |= {f"p{q}": float(np.quantile(ratios, q / 100)) for q in (10, 50, 90)}
    print(f"{kind:20} {len(every):5} pieces", *(f"{v:.4f}" for v in values.values()))
    for package, part in found.items():
        if part:
            mean = count_tokens_batch(part).sum() / sum(len(piece.encode()) for piece in part)
            print(f"    {package:36} {len(part):4} pieces {mean:.4f}")
    lines = [f'kind = "{kind}"', f'title = "{title}"']
    lines += [f'tokens_per_byte_{name} = "{value:#.4g}"' for name, value in values.items()]
    lines += [f"bytes = {sizes.sum()}", f"pieces = {len(every)}", *_source(found)]
    return "\n".join(["[[kinds]]", *lines, ""])


def _source(found: dict[str, list[str]]) -> Iterator[str]:
    yield "source = ["
    for package, part in found.items():
        if part:
            registry, version, licence = version_of(package)
            yield f'  "{registry} {package} {version} ({licence}), {len(part)} pieces",'
    yield "]"


def main() -> None:
    """Measure every kind and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, help="keep the downloaded packages in this folder")
    parser.add_argument("--only", nargs="*", help="measure these kinds and write nothing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.cache or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        rows = [measure(kind, folder.resolve()) for kind in options.only or KINDS]
    if not options.only:
        today = datetime.now(UTC).date()
        head = (
            "# Written by `python -m benchmarks.sizes`; do not edit.\n"
            f'version = "{today:%Y-%m}"\nmeasured_on = {today}\nvocabulary_sha256 = "{SHA256}"\n'
            f"piece_bytes = {PIECE_BYTES}\n"
        )
        write_text(data_dir() / "tokens_per_byte.toml", "\n".join([head, *filter(None, rows)]))


if __name__ == "__main__":
    main()
