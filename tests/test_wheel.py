"""The built wheel works by itself: installed alone it counts and checks, with [plan] it plans."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from kimi_planner import count_tokens

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PLANNING = {re.split("[>=]", one)[0] for one in PROJECT["optional-dependencies"]["plan"]}
PROMPTS = {
    "prompts/a/b.md": "Answer in one short sentence. 你好\n",
    "prompts/c.md": "Say nothing of {{name}}.\n",
    "app.py": 'SYSTEM_PROMPT = f"You are {role}, and answer in one short sentence."\n',
    "newer.py": "type Text = str\nSYSTEM_PROMPT = f'''Say {', '.join(f'{name!r}' for name in names)}.'''\n",
    "call.json": '{"model": "kimi-k2", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9}',
    "kimi-planner.toml": """\
model = "kimi-k2"
[[prompts]]
paths = ["prompts/**", "*.py", "call.json"]
max_tokens = 12
max_usd = 0.01
""",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel from the checkout."""
    pytest.importorskip("build", reason="the package build is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("*.whl")
    return path


class Environment:
    """A virtual environment with the wheel and nothing but what it declares."""

    def __init__(self, home, wheel, *wanted, python=sys.executable):
        self.home = home
        subprocess.run([python, "-m", "venv", "--without-pip", home], check=True)
        installed = self.pip("install", "--quiet", wheel, *wanted)
        if "NewConnectionError" in installed.stderr or "Temporary failure" in installed.stderr:
            pytest.skip("no package index within reach to install the dependencies from")
        assert installed.returncode == 0, installed.stderr

    def variables(self):
        kept = ("PATH", "PIP_INDEX_URL", "PIP_CONFIG_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")
        return {name: os.environ[name] for name in kept if name in os.environ} | {"HOME": "/tmp"}

    def pip(self, *arguments):
        """Run the pip of these tests on the environment, which needs none of its own."""
        command = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            self.home / "bin" / "python",
            *arguments,
        ]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=self.variables()
        )

    def run(self, folder, *arguments, program="kimi-planner"):
        """Run a program of the environment; return its exit code, stdout and stderr."""
        command = [self.home / "bin" / program, *arguments]
        done = subprocess.run(
            command, cwd=folder, env=self.variables(), capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout, done.stderr

    def installed_bytes(self):
        """Return the size of what was installed."""
        (packages,) = self.home.glob("lib/python*/site-packages")
        return sum(path.stat().st_size for path in packages.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def light(wheel, tmp_path_factory):
    """Install the wheel without an extra."""
    return Environment(tmp_path_factory.mktemp("light"), wheel)


@pytest.fixture
def prompts(tmp_path):
    """Lay out prompts of several kinds, with budgets; one is of a newer Python."""
    for name, text in PROMPTS.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_wheel_holds_the_data_and_nothing_else(wheel):
    """Catalogs, examples, the page template, licences; no tests, no notebooks."""
    names = set(zipfile.ZipFile(wheel).namelist())
    for needed in (
        "kimi_planner/data/catalogs/2026-06.toml",
        "kimi_planner/data/catalogs/2026-11-public.toml",
        "kimi_planner/data/catalogs/SHA256SUMS",
        "kimi_planner/data/evaluations/example.csv",
        "kimi_planner/data/limits/2026-11.toml",
        "kimi_planner/data/workloads/example.toml",
        *(str(path.relative_to(ROOT)) for path in (ROOT / "kimi_planner/report/page").iterdir()),
        "kimi_planner/py.typed",
        "tiktoken_ext/kimi_planner.py",
    ):
        assert needed in names
    assert any(name.endswith("licenses/NOTICE") for name in names)
    roots = {name.split("/")[0].split("-")[0] for name in names}
    assert roots == {"kimi_planner", "tiktoken_ext"}
    assert not [name for name in names if name.endswith((".c", ".h", ".part"))]


def test_wheel_holds_the_library_where_there_is_a_compiler(wheel):
    """A wheel with the library names the platform that it is for; one without is for all."""
    library = "kimi_planner/tokens/native/counter.compiled"
    files = zipfile.ZipFile(wheel)
    compiled = library in files.namelist()
    assert compiled == (f"{library}.sha256" in files.namelist())
    if compiled:
        digest = hashlib.sha256(files.read(library)).hexdigest()
        assert files.read(f"{library}.sha256").decode("ascii") == f"{digest}\n"
    assert compiled == any(map(shutil.which, ("cc", "gcc", "clang")))
    assert wheel.name.endswith("-py3-none-any.whl") != compiled


def test_alone_it_is_small_and_has_nothing_of_planning(light):
    """What counting and checking need is under 60 MB."""
    listed = json.loads(light.pip("list", "--format=json").stdout)
    names = {one["name"].lower() for one in listed}
    assert "kimi-planner" in names
    assert not PLANNING & names
    assert light.installed_bytes() < 60_000_000


def test_alone_it_counts_and_checks(light, prompts):
    """Counting, estimates, catalogs and checks of prompts need no library of planning."""
    code = (
        "import kimi_planner as kp; print(kp.count_tokens('Hello, world!'), "
        "kp.count_messages([{'role': 'user', 'content': 'Hi'}], 'kimi-k2'), "
        "kp.cost({'prompt_tokens': 2000, 'completion_tokens': 500}, 'kimi-k2').total_usd)"
    )
    assert light.run("/", "-P", "-c", code, program="python")[1] == "4 8 0.0042\n"
    (prompts / "newer.py").unlink()  # which only the extra [templates] reads on an older Python
    for arguments in (
        ["count", "prompts", "--format", "json"],
        ["estimate", "call.json"],
        ["catalog", "list"],
        ["check", "--update-baseline"],
        *(["check", "--baseline", "--format", form] for form in ("text", "markdown", "json")),
    ):
        code, out, err = light.run(prompts, *arguments)
        assert "internal error" not in err
        assert "not installed" not in err
        assert code == (3 if arguments[0] == "check" else 0), (arguments, out, err)


def test_alone_it_says_what_to_install(light, prompts):
    """Whatever needs more says so on one line, by names that the package index has."""
    (prompts / "w.toml").write_text("[[workload]]\nname = 'w'\n", encoding="utf-8")
    (prompts / "l.jsonl").write_text("{}\n", encoding="utf-8")
    commands = (
        "plan",
        "recommend",
        "report",
        "throughput",
        "usage price l.jsonl",
        "usage outlook l.jsonl",
        "catalog diff 2026-06 2026-11-public-3",
    )
    for command in commands:
        code, out, err = light.run(prompts, *command.split())
        assert (code, out) == (2, ""), command
        said = re.fullmatch(
            r"kimi-planner: \w+ is not installed\. Install what the extra \[plan\] adds with: "
            r"pip install (.+)\.\n",
            err,
        )
        assert said, err
        assert {re.split("[>=]", one)[0] for one in said[1].replace("'", "").split()} == PLANNING
    script = """
import kimi_planner as kp
def named(group):
    for name in getattr(group, "__all__", ()):
        try:
            yield getattr(group, name)
        except kp.KimiPlannerError as error:
            assert "pip install" in str(error), error
for value in named(kp):
    if hasattr(value, "__path__"):
        list(named(value))
for wrong in ("kp.count_tokens_batch(['a'])", "kp.load_catalog().frame()"):
    try:
        print(eval(wrong))
    except kp.KimiPlannerError as error:
        print(error)
"""
    code, out, err = light.run(prompts, "-P", "-c", script, program="python")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"{name} is not installed. Install it with: pip install {name}."
        for name in ("numpy", "pandas")
    ]


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_every_python_gives_the_same_verdicts(wheel, prompts, version, tmp_path_factory):
    """Globs, newer syntax and counts mean the same, whatever Python the check runs on."""
    if version == f"{sys.version_info[0]}.{sys.version_info[1]}":
        pytest.skip("the Python of these tests, which the others are compared with")
    found = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python3"))
    python = str(found[-1]) if found else shutil.which(f"python{version}")
    if python is None or subprocess.run([python, "-c", ""], check=False).returncode:
        pytest.skip(f"no Python {version} here")
    home = tmp_path_factory.mktemp("other")
    other = Environment(home, f"{wheel}[templates]", python=python)
    command = ["check", "--as-of", "2026-11-24", "--format", "json", "--coverage"]
    here = subprocess.run(
        [sys.executable, "-m", "kimi_planner", *command],
        cwd=prompts, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (here.returncode, here.stderr) == (3, ""), "a variable has no upper end"
    results = {
        one["path"]: one
        for one in json.loads(here.stdout)["results"]
        if one["rule"] == "prompt-tokens"
    }
    for name in ("prompts/a/b.md", "prompts/c.md"):
        assert int(results[name]["value"]) == count_tokens(PROMPTS[name], engine_name="tiktoken")
    assert results.keys() == PROMPTS.keys() - {"kimi-planner.toml"}
    assert other.run(prompts, *command) == (here.returncode, here.stdout, here.stderr)


def test_wheel_plans_in_an_empty_environment(wheel, tmp_path):
    """With the extra of planning `kimi-planner plan` gives the example's plan."""
    full = Environment(tmp_path / "environment", f"{wheel}[plan]", "--no-compile")
    arguments = ["plan", "--as-of", "2026-11-24", "--months", "2", "--format", "json", "--out", "o"]
    code, out, err = full.run(tmp_path, *arguments)
    assert code == 0, err
    plan = json.loads(out)
    assert len(plan["spend"]) == 5 * 4 * 2
    assert len(list((tmp_path / "o").glob("*.png"))) == 3
