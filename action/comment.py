"""Keep one comment on a pull request up to date: ours, known by the hidden mark it begins with.

Run by the action, with the standard library alone. It edits no comment of anybody else, also not one
that begins with the mark; without permission it warns, and the check keeps its own result.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

MARK = "<!-- kimi-planner -->"
PERMISSIONS = "Give the job 'permissions: pull-requests: write'; on a fork no token has it."
ELSEWHERE = "The report is in the summary of the step."


def main() -> int:
    """Write the report into our comment; return the exit code of the step."""
    token, number = os.environ.get("COMMENT_TOKEN"), pull_request()
    if not token:
        return 0
    if number is None:
        print("No pull request, so no comment.")
        return 0
    root = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    api = Api(f"{root}/repos/{os.environ['GITHUB_REPOSITORY']}/issues", token, f"{root}/user")
    mark = mark_of(os.environ.get("PROJECT", "."))
    text = Path(os.environ["COMMENT_FILE"]).read_text(encoding="utf-8")
    body = {"body": mark + text.removeprefix(MARK)}
    try:
        ours = next(api.ours(number, mark), None)
        if ours is None:
            api.call("POST", f"{api.issues}/{number}/comments", body)
        else:
            api.call("PATCH", f"{api.issues}/comments/{ours}", body)
    except (OSError, ValueError) as error:  # no answer, or one that is no JSON
        denied = isinstance(error, HTTPError) and error.code in (401, 403, 404)
        advice = f" {PERMISSIONS}" if denied else ""
        print(
            f"::warning title=kimi-planner::The comment was not written ({error}).{advice} {ELSEWHERE}"
        )
    return 0


def pull_request() -> int | None:
    """Return the number of the pull request that the run is for."""
    path = os.environ.get("GITHUB_EVENT_PATH", "")
    if not Path(path).is_file():
        return None
    event = json.loads(Path(path).read_text(encoding="utf-8"))
    number: int | None = (event.get("pull_request") or {}).get("number")
    return number


def mark_of(project: str) -> str:
    """Return what our comment begins with; each project of a repository has one of its own."""
    name = re.sub(r"-{2,}|[^\w./-]", "_", project.removeprefix("./").strip("/"))
    return MARK if name in ("", ".") else f"<!-- kimi-planner {name} -->"


class Api:
    """As much of GitHub's interface as a comment needs."""

    def __init__(self, issues: str, token: str, user: str) -> None:
        self.issues = issues
        self._token = token
        self._user = user

    def ours(self, number: int, mark: str) -> Iterator[int]:
        """Yield the ids of comments that begin with the mark and that we may call ours."""
        login = self._login()
        url: str | None = f"{self.issues}/{number}/comments?per_page=100"
        while url:
            comments, url = self.call("GET", url)
            for comment in comments:
                author = comment.get("user") or {}
                own = author.get("login") == login if login else author.get("type") == "Bot"
                if own and comment["body"].startswith(mark):
                    yield comment["id"]

    def _login(self) -> str | None:
        """Return whose token it is; ``None`` for that of an app, such as the token of a job."""
        try:
            login: str = self.call("GET", self._user)[0]["login"]
        except HTTPError:
            return None
        return login

    def call(self, method: str, url: str, body: object = None) -> tuple[Any, str | None]:
        """Return what the interface answers, and the address of its next page."""
        data = None if body is None else json.dumps(body).encode()
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self._token}",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        request = Request(url, data, headers, method=method)  # noqa: S310 - of the runner itself
        with urlopen(request, timeout=30) as answer:  # noqa: S310
            following = re.search(r'<([^>]+)>;\s*rel="next"', answer.headers.get("Link") or "")
            return json.load(answer), following and following[1]


if __name__ == "__main__":
    sys.exit(main())
