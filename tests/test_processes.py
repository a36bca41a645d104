"""Threads and processes: the first count may happen anywhere, and every one gets the same number."""

import os
import subprocess
import sys

import pytest

COUNT = (
    "import kimi_planner as kp\ndef count(_=None): return kp.count_tokens('hello there, 你好')\n"
)
EXPECTED = "5"
#: How a program may count first, each in a fresh process.
WAYS = {
    "from eight threads": """
from threading import Barrier, Thread
barrier, found = Barrier(8), []
def run():
    barrier.wait()
    found.append(count())
threads = [Thread(target=run) for _ in range(8)]
[one.start() for one in threads], [one.join() for one in threads]
assert len(found) == 8 and len(set(found)) == 1
print(found[0])
""",
    "in a pool of threads, in batches": """
from concurrent.futures import ThreadPoolExecutor
texts = ["hello there, 你好"] * 500
with ThreadPoolExecutor(8) as pool:
    found = list(pool.map(lambda _: set(kp.count_tokens_batch(texts).tolist()), range(8)))
assert len(set(map(tuple, found))) == 1
print(*found[0])
""",
    "in tasks of asyncio": """
import asyncio
async def main():
    return await asyncio.gather(*(asyncio.to_thread(count) for _ in range(8)))
[found] = set(asyncio.run(main()))
print(found)
""",
    "in a subinterpreter of threads that end": """
from threading import Thread
for _ in range(3):
    thread = Thread(target=count); thread.start(); thread.join()
print(count())
""",
    "at exit": """
import atexit
atexit.register(lambda: print(count()))
""",
    "in a thread that is still counting at exit": """
from threading import Thread
Thread(target=lambda: print(count())).start()
""",
    "in a daemon that nobody waits for": """
from threading import Thread
Thread(target=lambda: kp.count_tokens_batch(["word " * 5000] * 500), daemon=True).start()
print(count())
""",
}


def run(code: str, folder) -> str:
    """Run a program in a fresh process and return what it prints."""
    path = folder / "program.py"
    path.write_text(code, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, timeout=120, env=environment, check=False
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


@pytest.mark.parametrize("code", WAYS.values(), ids=WAYS.keys())
def test_the_first_count_may_be_anywhere(code: str, tmp_path) -> None:
    """No thread waits for ever, none counts with half an engine, none disturbs the end."""
    assert run(COUNT + code, tmp_path) == EXPECTED


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("warm", ["", "count()"], ids=["cold", "warm"])
def test_processes_of_every_kind_count(method: str, warm: str, tmp_path) -> None:
    """Workers of a pool count, whether or not the one that starts them has counted before."""
    code = f"""
from multiprocessing import get_all_start_methods, get_context
if __name__ == "__main__":
    {warm or "pass"}
    if {method!r} in get_all_start_methods():
        with get_context({method!r}).Pool(2) as pool:
            [found] = set(pool.map(count, range(8)))
        print(found)
    else:
        print({EXPECTED})
"""
    assert run(COUNT + code, tmp_path) == EXPECTED


@pytest.mark.parametrize(("threads", "wait"), [(8, 0.02), (1, 0)])
def test_a_fork_while_threads_count_first(threads: int, wait: float, tmp_path) -> None:
    """A child that is forked in the middle of it, or of what it imports, counts, and ends."""
    if not hasattr(os, "fork"):
        pytest.skip("this system does not fork")
    code = f"""
import os, time
from threading import Thread
threads = [Thread(target=count) for _ in range({threads})]
[one.start() for one in threads]
children = []
for _ in range(10):
    child = os.fork()
    if not child:
        os._exit(0 if count() == 5 else 1)
    children.append(child)
    time.sleep({wait})
[one.join() for one in threads]
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 10
print(count())
"""
    assert run(COUNT + code, tmp_path) == EXPECTED
