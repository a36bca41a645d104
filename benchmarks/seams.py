"""How far the upper end of a prompt with variables lies above what fills it, and whether anything does not fit.

``python -m benchmarks.seams`` fills generated templates, each 20,000 times, with values of at most the
declared tokens, and prints how many lay above the upper end, by how much it is above 1.25 times the
longest plus 4 at worst, and its usual distance from the longest. Values are tokens and rows of tokens of
the vocabulary, words and slices of words of this repository, letters, digits, marks, white space,
Chinese and other scripts. ``--glued`` makes the templates of any tokens, so that values stand inside
words; ``--templates`` says how many.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from random import Random
from string import ascii_letters, ascii_lowercase, digits, printable, punctuation

from kimi_planner.tokens import count_tokens, token_range
from kimi_planner.tokens.engine import engine
from kimi_planner.tokens.prompts.parts import PromptTemplate, Variable, joined
from kimi_planner.tokens.vocabulary import ranks

ROOT = Path(__file__).resolve().parents[1]
FILLINGS = 20_000
POOL = 1_000
WORDS = [
    "Summarise",
    "the",
    "following",
    "document",
    "for",
    "a",
    "customer",
    "in",
    "one",
    "paragraph",
    "Answer",
    "briefly",
    "Use",
    "only",
    "facts",
]
EDGES = [
    " ", "\n", ": ", ", ", ". ", "\n\n", ' "', '" ', " (", ") ", "- ", "</doc>", "<doc>", "{", "}",
    "='", "'", "", "/", "_", "#", "**", "s ", "ing ", "的", "。", "：", "  ",
]  # fmt: skip


def generators(rng: Random) -> dict[str, Callable[[], str]]:
    """Return what draws a piece of a value."""
    tokens = [text for rank in ranks() if "\ufffd" not in (text := rank.decode(errors="replace"))]
    sources = sorted(ROOT.glob("docs/*.md")) + sorted(ROOT.glob("kimi_planner/**/*.py"))
    words = [word for path in sources for word in path.read_text(encoding="utf-8").split()]

    def of(letters: str, most: int = 6) -> Callable[[], str]:
        return lambda: "".join(rng.choices(letters, k=rng.randint(1, most)))

    def of_points(*spans: tuple[int, int]) -> Callable[[], str]:
        return lambda: "".join(
            chr(rng.randint(*rng.choice(spans))) for _ in range(rng.randint(1, 4))
        )

    def sliced() -> str:
        start = rng.randint(0, 4)
        return rng.choice(words)[start : start + rng.randint(1, 9)]

    return {
        "a token": lambda: rng.choice(tokens),
        "words": lambda: f"{rng.choice(words)} ",
        "slices of words": sliced,
        "small letters": of(ascii_lowercase),
        "letters": of(ascii_letters),
        "ASCII": of(printable),
        "digits": of(digits),
        "marks": of(punctuation),
        "white space": of(" \n\t\r"),
        "Chinese": of_points((0x4E00, 0x9FFF)),
        "other scripts": of_points((0xA0, 0xD7FF), (0x1F300, 0x1FAFF), (0x400, 0x6FF)),
    }


def value(draw: Callable[[], str], most: int) -> str:
    """Return a value of at most so many tokens, and as many where a few draws get there."""
    text = ""
    for _ in range(most + 6):
        longer = text + draw()
        if count_tokens(longer) <= most:
            text = longer
    return text


def template(rng: Random, glued: Callable[[], str] | None) -> list[str]:
    """Return the fixed texts of a template: sentences, or tokens of the vocabulary."""
    number = rng.choice([1, 1, 2, 3, 4, 5, 6, 8, 12]) + 1
    if glued is not None:
        return ["".join(glued() for _ in range(rng.randint(1, 4))) for _ in range(number)]
    return [
        f"{rng.choice(EDGES)}{' '.join(rng.choices(WORDS, k=rng.randint(0, 4)))}{rng.choice(EDGES)}"
        for _ in range(number)
    ]


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--templates", type=int, default=200)
    parser.add_argument("--glued", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = Random(options.seed)  # noqa: S311 - texts, not secrets
    draws = generators(rng)
    count = engine().count_batch
    outside, loose, above = 0, 0, []
    for _ in range(options.templates):
        texts = template(rng, draws["a token"] if options.glued else None)
        sizes = [rng.choice([1, 2, 3, 5, 8, 20]) for _ in texts[1:]]
        names = [rng.choice([*draws, *["any"] * 6]) for _ in sizes]
        pools = [
            [
                value(draws[rng.choice([*draws]) if name == "any" else name], size)
                for _ in range(POOL)
            ]
            for name, size in zip(names, sizes, strict=True)
        ]
        filled = [
            texts[0]
            + "".join(rng.choice(pool) + text for pool, text in zip(pools, texts[1:], strict=True))
            for _ in range(FILLINGS)
        ]
        counts = count(filled)
        parts = [
            part for number, text in enumerate(texts) for part in (Variable(f"v{number}"), text)
        ]
        prompt = PromptTemplate(name="P", path="p.py", line=1, parts=joined(tuple(parts[1:])))
        high = token_range(prompt, {f"v{at}": size for at, size in enumerate(sizes, 1)}).high or 0
        outside += sum(one > high for one in counts)
        loose += high > 1.25 * max(counts) + 4
        above.append(high - max(counts))
    print(f"{options.templates:,} templates, {options.templates * FILLINGS:,} fillings")
    print(f"above the upper end: {outside:,}")
    print(f"templates whose upper end is above 1.25 times the longest plus 4: {loose:,}")
    above.sort()
    print(f"upper end less the longest: median {above[len(above) // 2]}, {above[0]} to {above[-1]}")


if __name__ == "__main__":
    main()
