"""Counting every record of a corpus, in bounded memory and on all cores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from kimi_planner.arguments import public
from kimi_planner.billing.corpus.inputs import Form, Source, find_sources
from kimi_planner.billing.corpus.records import Reading, read_records
from kimi_planner.billing.corpus.result import CorpusCount, FileCount
from kimi_planner.billing.corpus.tally import Tally, costs
from kimi_planner.catalog import Catalog, load_catalog
from kimi_planner.errors import KimiPlannerError, MissingExtraError
from kimi_planner.packed import Progress
from kimi_planner.tokens.engine import bulk_engine


@public
def count_corpus(
    paths: str | Path | Iterable[str | Path],
    *,
    field: str | None = None,
    form: Form | None = None,
    model: str | None = None,
    sample: float | None = None,
    seed: int = 0,
    as_of: object = None,
    catalog: Catalog | str | Path | None = None,
    progress: Progress | None = None,
) -> CorpusCount:
    """Count the tokens of a corpus: files, folders and globs, streamed.

    Parameters
    ----------
    paths : path or iterable of path
        Files, folders (all files in them, hidden ones left out) and globs; plain, gzip or zstd.
    field : str, optional
        What holds the text of a row: a column of CSV or Parquet, or a dotted path in JSON lines,
        such as ``messages.0.content``. JSON lines without a field must be chat bodies, lines of
        a batch input or rows of a log with requests, and count as the prompts they would be billed;
        so does a JSON file that is such a row.
    form : {"text", "jsonl", "json", "csv", "parquet"}, optional
        Form of every file; if not given, told by each name's ending.
    model : str, optional
        Model id: whose template for chat bodies (else their own), and whose cost.
    sample : float, optional
        Share of the corpus to count, above 0 and below 1; all of it if not given.
    seed : int
        Seed of the sample.
    as_of : date, datetime or str, optional
        The day whose rules count for chat bodies; the latest ones if not given.
    catalog : Catalog, str or Path, optional
        Templates and prices; the default catalog if not given.
    progress : callable, optional
        Called with the bytes on disk done since the last call, and the bytes of all files.

    Returns
    -------
    CorpusCount
        Exact totals, or an expected total with a 95% confidence interval.

    Raises
    ------
    FileError
        If a path names no file, or the form or the share is not valid. Rows and files that cannot
        be read are counted in ``rejected`` instead, with their place and the reason.
    UnknownModelError
        If the catalog has no such model.

    Notes
    -----
    A sample is of blocks of consecutive rows, three from each stretch of the corpus, so that every
    file and every part of it has its share; tokens per byte of the blocks times the bytes of the
    corpus (a ratio estimator), and Student's t for the interval.

    An image in a chat body may cost one token more than is counted: see :func:`estimate`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "greeting.md").write_text("Greet the user by name.")
    >>> count_corpus(folder).tokens
    7
    """
    catalog = load_catalog(catalog)
    if model is not None:
        catalog.model(model)
    sources, binary = find_sources(paths, form=form, field=field)
    reading = Reading(field, model, catalog, as_of)
    if sample is not None:
        from kimi_planner.billing.corpus.sample import sample_corpus

        drawn = sample_corpus(sources, reading, sample, seed, progress)
        if drawn is not None:
            return replace(drawn, left_out=len(binary))
    total = sum(source.size for source in sources)
    tally = Tally(bulk_engine(total))
    files = []
    for source in sources:
        file = FileCount(path=source.name, form=source.form)
        files.append(file)
        for step in _count_file(source, reading, tally, file):
            if progress is not None:
                progress(step, total)
    by_model = tally.by_model()
    counted = sum(by_model.values())
    return CorpusCount(
        tokens=counted,
        low=counted,
        high=counted,
        share_read=1.0,
        rows=sum(file.rows or 0 for file in files),
        size_bytes=sum(file.size_bytes for file in files),
        files=tuple(files),
        rejected=tally.rejected,
        messages=tuple(tally.messages),
        cost_usd=costs(by_model, catalog, model),
        left_out=len(binary),
        catalog_version=catalog.version,
    )


def _count_file(source: Source, reading: Reading, tally: Tally, file: FileCount) -> Iterator[int]:
    """Count one file; yield the bytes on disk that are done, as it goes."""
    done = 0
    try:
        for record in read_records(source, reading):
            tally.add(file, record)
            if not source.is_stream:
                step = min(record.size, source.size - done)
                done += step
                yield step
    except MissingExtraError:
        raise
    except KimiPlannerError as error:
        tally.fail(file, str(error))
    yield source.size - done
