"""The comment of the action, against a stub of GitHub's interface: ours is edited, no other."""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from kimi_planner.checks.formats.markdown import MARK

ROOT = Path(__file__).parents[1]
BOT = {"login": "github-actions[bot]", "type": "Bot"}
USER = {"login": "ann", "type": "User"}


class Stub:
    """A repository with one pull request and its comments, in pages of two."""

    def __init__(self, comments, *, login=None, denied=False, html=False):
        self.comments = [
            {"id": n, "user": user, "body": body} for n, (user, body) in enumerate(comments)
        ]
        self.calls = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self, code, data, **headers):
                self.send_response(code)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"<html>" if html else json.dumps(data).encode())

            def do_GET(self):
                if self.path == "/user":
                    self.answer(200 if login else 403, {"login": login})
                    return
                page = int(self.path.rpartition("page=")[2]) if "&page=" in self.path else 0
                rows, more = stub.comments[2 * page :], {}
                if len(rows) > 2:
                    link = f"{stub.url}/repos/o/r/issues/7/comments?per_page=100&page={page + 1}"
                    more = {"Link": f'<{link}>; rel="next", <{link}>; rel="last"'}
                self.answer(200, rows[:2], **more)

            def written(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]
                if denied:
                    self.answer(403, {"message": "Resource not accessible by integration"})
                    return
                stub.calls.append((self.command, self.path, body))
                self.answer(200, {})

            def do_POST(self):
                self.written()

            def do_PATCH(self):
                self.written()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def comment(tmp_path):
    """Run the step against a stub; return the stub and what the step printed."""
    stubs = []

    def run(comments, project=".", event='{"pull_request": {"number": 7}}', token="t", **options):
        stub = Stub(comments, **options)
        stubs.append(stub)
        (tmp_path / "event.json").write_text(event, encoding="utf-8")
        (tmp_path / "report.md").write_text(f"{MARK}\n### now\n", encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-P", ROOT / "action" / "comment.py"],
            env={
                "PATH": os.environ["PATH"], "COMMENT_TOKEN": token, "PROJECT": project,
                "COMMENT_FILE": str(tmp_path / "report.md"), "GITHUB_API_URL": stub.url,
                "GITHUB_EVENT_PATH": str(tmp_path / "event.json"), "GITHUB_REPOSITORY": "o/r",
            },
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        return stub, done.stdout

    yield run
    for stub in stubs:
        stub.server.shutdown()
        stub.server.server_close()


OLD = f"{MARK}\n### before\n"
OTHERS = [
    (USER, "Looks good."),
    (USER, f"{MARK}\nnot yours"),  # somebody who copied it
    (BOT, f"Quoted: {MARK}"),
    (BOT, "<!-- kimi-planner services/a -->\n### of another project"),
]


def test_our_comment_is_edited_and_no_other(comment):
    """Whatever was written after it, and on whichever page it is."""
    stub, _ = comment([*OTHERS, (BOT, OLD), (USER, "The last comment.")])
    assert stub.calls == [("PATCH", "/repos/o/r/issues/comments/4", f"{MARK}\n### now\n")]


def test_without_one_of_ours_a_comment_is_written(comment):
    """Comments of others that begin with the mark are left alone."""
    stub, _ = comment(OTHERS)
    assert stub.calls == [("POST", "/repos/o/r/issues/7/comments", f"{MARK}\n### now\n")]


def test_each_project_has_a_comment_of_its_own(comment):
    """The mark names the folder, in which nothing can end the mark."""
    stub, _ = comment([*OTHERS, (BOT, OLD)], project="./services/a/")
    mark = "<!-- kimi-planner services/a -->"
    assert stub.calls == [("PATCH", "/repos/o/r/issues/comments/3", f"{mark}\n### now\n")]
    stub, _ = comment([(BOT, OLD)], project="a --> b")
    assert stub.calls[0][2].startswith("<!-- kimi-planner a____b -->\n")


def test_a_person_s_token_edits_that_person_s_comment(comment):
    """Where the token says whose it is, comments of bots are not ours."""
    stub, _ = comment([(BOT, OLD), (USER, OLD)], login="ann")
    assert stub.calls[0][:2] == ("PATCH", "/repos/o/r/issues/comments/1")


def test_without_permission_the_step_warns(comment):
    """It names what to grant, and does not fail the check."""
    stub, out = comment([(BOT, OLD)], denied=True)
    assert stub.calls == []
    assert out.startswith(
        "::warning title=kimi-planner::The comment was not written (HTTP Error 403"
    )
    assert "permissions: pull-requests: write" in out
    assert out.endswith("The report is in the summary of the step.\n")


def test_an_answer_that_is_no_json_is_a_warning(comment):
    """A proxy that answers with a page of its own fails no check."""
    stub, out = comment([], html=True)
    assert stub.calls == []
    assert out.startswith("::warning title=kimi-planner::The comment was not written (")


def test_without_a_token_or_a_pull_request_nothing_is_sent(comment):
    """A push has no comment, and an empty token is no wish for one."""
    assert comment([], token="")[0].calls == []
    stub, out = comment([], event='{"ref": "main"}')
    assert (stub.calls, out) == ([], "No pull request, so no comment.\n")
    assert comment([], event='{"pull_request": null}')[1] == "No pull request, so no comment.\n"


def test_the_documented_job_grants_what_the_comment_needs():
    """The example hands over the token and has the permission to write, and the mark is the same."""
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    (example,) = [
        one for one in text.split("```yaml\n")[1:] if "comment-token" in one.split("```")[0]
    ]
    job = yaml.safe_load(example.split("```")[0])
    assert job["permissions"] == {"contents": "read", "pull-requests": "write"}
    (step,) = [one for one in job["jobs"]["budgets"]["steps"] if "with" in one]
    assert step["with"] == {"comment-token": "${{ github.token }}"}
    assert f'MARK = "{MARK}"' in (ROOT / "action" / "comment.py").read_text(encoding="utf-8")
