"""A short run of the fuzzer: every reader takes what is changed at random, or refuses it in one line."""

from benchmarks.fuzz import changed, fuzz, readers
from benchmarks.fuzz_calls import fuzz_calls, subjects


def test_changed_inputs_are_read_or_refused(tmp_path):
    """No other exception, no endless reading, no row of a log that is nowhere."""
    outcome = fuzz(600, seed=1, keep=tmp_path / "faults")
    assert outcome.faults == []
    assert outcome.read.total() + outcome.refused.total() == 600


def test_every_reader_reads_what_is_not_changed(tmp_path):
    """The contents that are changed are sound, else nothing behind their first check is tried."""
    for name, reader in readers().items():
        for number, content in enumerate(reader.seeds):
            read = []
            for suffix in reader.suffixes:
                path = tmp_path / f"{number}{suffix}"
                path.write_bytes(content)
                try:
                    reader.read(path)
                except ValueError as error:
                    read.append(str(error))
                else:
                    read.append(None)
            assert None in read, f"{name}: {read}"


def test_the_inputs_of_a_seed_are_the_same():
    """What is found can be found again."""
    import random

    made = [changed(random.Random("0 5"), b'{"a": [1, "b"]}') for _ in range(2)]
    assert made[0] == made[1]


def test_calls_that_do_not_fit_are_answered_or_refused():
    """No bare error from inside, no warning, no endless amount, whatever an argument is given."""
    outcome = fuzz_calls(300, seed=1)
    assert outcome.faults == []
    assert outcome.read.total() + outcome.refused.total() == 300
    assert min(outcome.read.total(), outcome.refused.total()) > 50


def test_calls_that_fit_are_drawn_from(tmp_path, monkeypatch):
    """What is changed is sound, else nothing behind the first check of a function is tried."""
    monkeypatch.chdir(tmp_path)
    whole = subjects()
    assert len(whole) > 120
    for name in (
        "project",
        "recommend",
        "Workload",
        "forecast_spend",
        "Projection.of",
    ):
        called, arguments = whole[name]
        called(**arguments)
