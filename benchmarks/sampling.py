"""How often the interval of a sampled count covers the truth, by repeated sampling.

``python -m benchmarks.sampling`` counts every block of some corpora once, then draws 1,000 samples
of each with the package's own selection and interval; ``--json`` prints JSON.
"""

from __future__ import annotations

import argparse
import json
import sysconfig
import tempfile
from pathlib import Path
from random import Random
from typing import Any

from kimi_planner import load_catalog
from kimi_planner.billing.corpus.inputs import find_sources
from kimi_planner.billing.corpus.records import Reading, Record
from kimi_planner.billing.corpus.sample import (
    Block,
    Frame,
    block_bytes_for,
    ratio_interval,
    walk_places,
)
from kimi_planner.tokens.text import count_many

REPETITIONS = 1_000


class Everything(Frame):
    """A frame of which every block is counted."""

    def takes_next(self) -> bool:
        """Take it."""
        self.blocks += 1
        return True


def counted_blocks(paths: list[str], field: str | None, share: float) -> tuple[list[Block], int]:
    """Return every block of a corpus with its bytes and tokens, and the bytes of all."""
    sources, _ = find_sources(paths, form=None, field=field)
    reading = Reading(field, None, load_catalog())
    frame = Everything(share, 0)
    size = block_bytes_for(sum(source.size for source in sources), share)
    blocks = []
    for source in sources:
        for bytes_of_block, records in walk_places(source, reading, size, frame):
            texts = [text for one in records if isinstance(one, Record) for text in one.texts]
            tokens = sum(count_many(texts, "splintr"))
            blocks.append(Block(0, bytes_of_block, tokens))
    return blocks, frame.total_bytes


def coverage(blocks: list[Block], total_bytes: int, share: float) -> dict[str, float]:
    """Draw samples; return how often the interval covers, and its mean half width."""
    truth = sum(block.tokens for block in blocks)
    covered, width = 0, 0.0
    for seed in range(REPETITIONS):
        frame = Frame(share, seed)
        drawn = [
            Block(frame.stretch, block.size, block.tokens) for block in blocks if frame.takes_next()
        ]
        total, margin = ratio_interval(drawn, frame.lengths(), total_bytes)
        covered += abs(total - truth) <= margin
        width += margin / truth
    return {
        "mb": total_bytes / 1e6,
        "share": share,
        "coverage": covered / REPETITIONS,
        "half_width": width / REPETITIONS,
    }


def skewed_rows(path: Path) -> None:
    """Write JSON lines whose lengths and languages differ much."""
    rng = Random(1)  # noqa: S311 - texts, not secrets
    with path.open("w", encoding="utf-8") as handle:
        for number in range(20_000):
            words = int(rng.lognormvariate(4, 1.5))
            text = f"word {number} " * words if number % 3 else "你好世界" * words
            handle.write(json.dumps({"t": text}, ensure_ascii=False) + "\n")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    library = sysconfig.get_path("stdlib")
    packages = sysconfig.get_path("purelib")
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder, "rows.jsonl")
        skewed_rows(rows)
        corpora: dict[str, tuple[list[str], str | None, float]] = {
            "standard library": ([f"{library}/*.py", f"{library}/[a-rt-z]*/**/*.py"], None, 0.05),
            "numpy": ([f"{packages}/numpy/**/*.py"], None, 0.05),
            "installed packages": ([f"{packages}/**/*.py"], None, 0.02),
            "skewed rows": ([str(rows)], "t", 0.05),
        }
        found: dict[str, Any] = {}
        for name, (paths, field, share) in corpora.items():
            found[name] = coverage(*counted_blocks(paths, field, share), share)
            if not options.json:
                print(name, *(f"{key} {value:.3g}" for key, value in found[name].items()))
    if options.json:
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
