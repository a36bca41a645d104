"""The pytest plugin, run by pytest on test files as its users write them."""

import os
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from kimi_planner import count_messages, count_tokens, load_catalog

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[1]

MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say hi."}]
INPUT_USD = load_catalog().model("kimi-k2").input_usd_per_mtok
OUTPUT_USD = load_catalog().model("kimi-k2").output_usd_per_mtok


@pytest.fixture
def run(pytester, monkeypatch):
    """Run pytest on a test file with the plugin; return its outcome and what it printed.

    In a process of its own: in this one the plugin may be loaded already, and cannot be again.
    """
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name in ("CI", "BUILD_NUMBER"):  # under these pytest says messages again in its summary
        monkeypatch.delenv(name, raising=False)
    plugin = ["-pkimi_planner.pytest_plugin"]

    def run_file(source, *options):
        pytester.makepyfile(source)
        return pytester.runpytest_subprocess(*plugin, "--strict-markers", "-Werror", *options)

    return run_file


def test_the_package_declares_the_plugin():
    """The wheel's metadata tell pytest where the plugin is."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"kimi_planner": "kimi_planner.pytest_plugin"}


def test_a_test_over_its_tokens_fails_with_count_limit_and_excess(run):
    """What is counted adds up; above the limit the test fails and says by how much."""
    tokens = count_tokens("word " * 100) + count_tokens("more")
    result = run(
        f"""
        import pytest

        @pytest.mark.token_budget(max_tokens=100)
        def test_over(kimi):
            kimi.count("word " * 100)
            assert kimi.count("more") == 1
            assert kimi.tokens == {tokens}

        @pytest.mark.token_budget(max_tokens={tokens})
        def test_within(kimi):
            kimi.count("word " * 100 + "more")
        """
    )
    result.assert_outcomes(passed=1, failed=1)
    over = tokens - 100
    result.stdout.fnmatch_lines(
        [
            f"prompt has {tokens} tokens; limit 100; {over} over ({over}.0%)",
            "*kimi-planner token budgets*",
            f"*{tokens}.0%  {tokens} of 100 tokens  *::test_over",
            f"*%  *of {tokens} tokens  *::test_within",
        ]
    )


def test_a_test_over_its_cost_fails(run):
    """Requests are counted as billed and priced exactly, and so are usage objects."""
    tokens = count_messages(MESSAGES, "kimi-k2")
    usd = (tokens * INPUT_USD + 1000 * INPUT_USD + 10 * OUTPUT_USD) / 1_000_000
    result = run(
        f"""
        import pytest
        from decimal import Decimal

        pytestmark = pytest.mark.token_budget(max_usd="0.001", model="kimi-k2")

        def test_cost(kimi):
            assert kimi.count_messages({MESSAGES!r}) == {tokens}
            kimi.cost({{"prompt_tokens": 1000, "completion_tokens": 10}})
            assert kimi.usd == Decimal("{usd}")
            assert kimi.tokens == {tokens + 1000}
        """
    )
    result.assert_outcomes(failed=1)
    over = usd - Decimal("0.001")
    share = f"{float(over / Decimal('0.001')):.1%}"
    result.stdout.fnmatch_lines(
        [f"prompt costs {usd.normalize():f} USD; limit 0.001; {over.normalize():f} over ({share})"]
    )


def test_unknown_is_never_a_pass(run):
    """A budget that nothing was held against, or that cannot be read, fails its test."""
    result = run(
        """
        import pytest

        @pytest.mark.token_budget(max_tokens=1)
        def test_nothing():
            pass

        @pytest.mark.token_budget(max_tokens=1)
        def test_not_counted(kimi):
            pass

        @pytest.mark.token_budget(max_usd=1)
        def test_no_model(kimi):
            kimi.count("a")

        @pytest.mark.token_budget(2000)
        def test_by_position(kimi):
            kimi.count("a")

        @pytest.mark.token_budget(max_token=2000)
        def test_misspelled(kimi):
            kimi.count("a")

        @pytest.mark.token_budget(max_tokens="many")
        def test_no_number(kimi):
            kimi.count("a")

        @pytest.mark.token_budget(max_usd="cheap", model="kimi-k2")
        def test_no_amount(kimi):
            kimi.count("a")

        @pytest.mark.token_budget(max_usd=1, model="kimi-k9")
        def test_no_such_model(kimi):
            kimi.count("a")

        @pytest.mark.token_budget(max_tokens=9, model="kimi-k8")
        def test_no_such_model_of_tokens(kimi):
            kimi.count("a")

        @pytest.mark.token_budget(max_tokens=9, model=5)
        def test_no_model_id(kimi):
            kimi.count("a")

        @pytest.mark.token_budget(max_usd=-1, model="kimi-k2")
        def test_negative(kimi):
            kimi.count("a")

        @pytest.mark.token_budget
        def test_no_limit(kimi):
            kimi.count("a")

        @pytest.mark.token_budget(max_tokens=10**400)
        def test_no_bound(kimi):
            kimi.count("a")

        @pytest.mark.token_budget(max_tokens=9, model="kimi-k2")
        def test_no_messages(kimi):
            kimi.count_messages(None)

        @pytest.mark.token_budget(max_tokens=9, model="kimi-k2")
        def test_no_tools(kimi):
            kimi.count_messages([{"role": "user", "content": "a"}], tools=5)
        """
    )
    result.assert_outcomes(failed=15)
    assert "INTERNALERROR" not in result.stdout.str()
    text = result.stdout.str()
    assert text.count("the test counted nothing") == 2
    assert "No model is named" in text
    assert text.count("takes max_tokens=, max_usd= and model=, by name") == 3
    assert "max_tokens is 'many'" in text
    assert "max_usd is 'cheap'" in text
    assert "token_budget: Unknown model 'kimi-k9'" in text
    assert "token_budget: Unknown model 'kimi-k8'" in text
    assert "model is 5" in text
    assert "max_usd is -1" in text
    assert "max_tokens is 1000" in text
    assert "TypeError:" not in text


def test_a_failing_test_keeps_its_own_failure(run):
    """A test that fails by itself is not held against its budget as well."""
    result = run(
        """
        import pytest

        @pytest.mark.token_budget(max_tokens=1)
        def test_it(kimi):
            kimi.count("a b c d")
            assert False, "its own"
        """
    )
    result.assert_outcomes(failed=1)
    assert "its own" in result.stdout.str()
    assert "limit 1" not in result.stdout.str()


def test_what_does_not_run_is_not_held(run):
    """Skips, failed fixtures and expected failures stay what they are; parameters each have a sum."""
    result = run(
        """
        import pytest

        pytestmark = pytest.mark.token_budget(max_tokens=2)

        @pytest.fixture
        def broken():
            raise RuntimeError

        def test_setup(kimi, broken):
            pass

        @pytest.mark.skip
        def test_skipped(kimi):
            pass

        def test_skips_itself(kimi):
            pytest.skip("no")

        @pytest.mark.xfail(strict=True)
        def test_expected(kimi):
            kimi.count("a b c d")

        @pytest.mark.parametrize("text", ["a", "a b", "a b c"])
        def test_each(kimi, text):
            kimi.count(text)
        """
    )
    result.assert_outcomes(errors=1, skipped=2, xfailed=1, passed=2, failed=1)
    assert "3 tokens; limit 2; 1 over" in result.stdout.str()
    assert "counted nothing" not in result.stdout.str()


def test_summary_over_several_processes(run):
    """With xdist the summary holds the tests of every process, the fullest first."""
    result = run(
        """
        import pytest

        @pytest.mark.token_budget(max_tokens=100)
        @pytest.mark.parametrize("words", [10, 40, 90, 20])
        def test_size(kimi, words):
            kimi.count("word " * words)
        """,
        "-pxdist",
        "-n2",
        "--junitxml=junit.xml",
    )
    result.assert_outcomes(passed=4)
    lines = [line for line in result.stdout.lines if "of 100 tokens" in line]
    assert [line.split("[")[1] for line in lines] == ["90]", "40]", "20]", "10]"]
    assert '<property name="kimi_max_tokens" value="100"' in Path("junit.xml").read_text()


def test_a_run_that_does_not_use_it_imports_nothing(run):
    """Without a counting test nothing of the package but the plugin and its way to names is imported."""
    result = run(
        """
        import sys

        def test_it(request):
            loaded = {name for name in sys.modules if name.startswith("kimi_planner")}
            assert loaded - {"kimi_planner.lazy"} == {"kimi_planner", "kimi_planner.pytest_plugin"}
            assert not {"numpy", "pandas", "splintr", "tiktoken"} & set(sys.modules)
        """
    )
    result.assert_outcomes(passed=1)
    assert "token budgets" not in result.stdout.str()


def test_the_marker_is_listed(run):
    """`pytest --markers` explains the marker."""
    result = run("", "--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.token_budget(max_tokens=None*"])
