"""Images are counted by the published resize rule, from their headers."""

from __future__ import annotations

import base64
import io
import math
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PIL import Image

from kimi_planner import count_messages, count_tokens
from kimi_planner.errors import RequestError
from kimi_planner.tokens.images import image_size, image_tokens


def by_the_rule(width: int, height: int) -> int:
    """Compute the tokens step by step as the rule is written down."""
    patches = max(1, width // 14) * max(1, height // 14)
    scale = min(1, math.sqrt(16_384 / patches), 512 * 14 / width, 512 * 14 / height)
    sides = [min(max(1, math.floor(side * scale)), 512 * 14) for side in (width, height)]
    padded = [side + (-side) % 28 for side in sides]
    return (padded[0] // 28) * (padded[1] // 28)


def image_bytes(form: str, size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, form)
    return buffer.getvalue()


def data_url(form: str, size: tuple[int, int]) -> str:
    return f"data:image/{form};base64,{base64.b64encode(image_bytes(form, size)).decode()}"


@pytest.mark.parametrize(
    ("size", "tokens"),
    [((28, 28), 1), ((1, 1), 1), ((29, 28), 2), ((1120, 560), 800), ((720, 1600), 1508)],
)
def test_images_within_the_limits(size: tuple[int, int], tokens: int) -> None:
    """Without scaling an image has a token for every 28 by 28 pixels begun."""
    assert image_tokens(*size) == tokens == math.ceil(size[0] / 28) * math.ceil(size[1] / 28)


def test_the_rule_for_any_size() -> None:
    """Large, long and tiny images follow the rule as it is written down."""
    rng = Random(0)
    for _ in range(20_000):
        size = (
            int(10 ** rng.uniform(0, 4.5)),
            int(10 ** rng.uniform(0, 4.5)),
        )
        assert image_tokens(*size) == by_the_rule(*size)
        assert image_tokens(*size) == image_tokens(*size[::-1])


@pytest.mark.parametrize("form", ["png", "jpeg", "gif", "webp", "bmp"])
def test_sizes_from_data_urls_and_files(form: str, tmp_path: Path) -> None:
    """The size is read from a data URL, a path and a file URL."""
    size = (321, 123)
    path = tmp_path / f"a picture.{form}"
    path.write_bytes(image_bytes(form, size))
    for address in (data_url(form, size), str(path), path.as_uri()):
        assert image_size(address) == size


def test_only_the_header_is_read() -> None:
    """A picture cut off after its header still has a size; one cut off in it has none."""
    whole = image_bytes("png", (640, 480))
    start = "data:image/png;base64,"
    assert image_size(start + base64.b64encode(whole[:60]).decode()) == (640, 480)
    with pytest.raises(RequestError, match="cannot be read"):
        image_size(start + base64.b64encode(whole[:12]).decode())


def test_a_header_far_inside_is_found() -> None:
    """A JPEG whose size stands behind much else, such as a thumbnail, is read whole."""
    buffer = io.BytesIO()
    Image.new("RGB", (50, 60)).save(buffer, "jpeg", comment=bytes(60_000))
    url = f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    assert image_size(url) == (50, 60)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://example.org/cat.png", "not fetched"),
        ("ms://file-1", "not fetched"),
        ("http://[2001:0db8:85a3::8a2e:0370:7334]/x.png", "not fetched"),
        ("data:image/png;base64,AAAA", "no known image form"),
        ("data:image/png;base64", "no comma"),
        ("data:image/png;base64,@@@", "cannot be read"),
        ("/no/such/file.png", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_an_error(url: str, words: str) -> None:
    """An image elsewhere or of no form is an error with a remedy, never a guess."""
    with pytest.raises(RequestError, match=words):
        image_size(url)


def test_a_given_size_stands_for_an_image_elsewhere() -> None:
    """The size of a remote image can be given by its address."""
    url = "https://example.org/cat.png"
    assert image_size(url, {url: (30, 40)}) == (30, 40)


def request(*parts: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(parts)}]


def test_an_image_in_a_message() -> None:
    """An image part costs its tokens, three marks and the word image, beside the text."""
    words = {"type": "text", "text": "What is this?"}
    picture = {"type": "image_url", "image_url": {"url": data_url("png", (280, 280))}}
    plain = count_messages(request(words), "kimi-k2-5")
    assert count_messages(request(words, picture), "kimi-k2-5") == plain + 100 + 3 + count_tokens(
        "image"
    )
    short = {"type": "image_url", "image_url": picture["image_url"]["url"]}
    assert count_messages(request(short, words), "kimi-k2-5") == plain + 104


def test_text_on_both_sides_of_an_image_stays_apart() -> None:
    """Texts that an image parts are counted apart, texts that meet as one."""
    half = {"type": "text", "text": "straw"}
    rest = {"type": "text", "text": "berry"}
    picture = {"type": "image_url", "image_url": {"url": data_url("png", (28, 28))}}
    base = count_messages(request({"type": "text", "text": ""}), "kimi-k2-5")
    together = count_messages(request(half, rest), "kimi-k2-5") - base
    apart = count_messages(request(half, picture, rest), "kimi-k2-5") - base
    assert together == count_tokens("strawberry")
    assert apart == count_tokens("straw") + count_tokens("berry") + 5


@pytest.mark.parametrize("model", ["kimi-k2", "kimi-k2-instruct", "kimi-k2-5-thinking"])
def test_models_that_are_not_said_to_see_refuse_images(model: str) -> None:
    """Unknown is not yes: only a model with the capability counts images."""
    picture = {"type": "image_url", "image_url": {"url": data_url("png", (28, 28))}}
    with pytest.raises(RequestError, match=rf"does not state that '{model}' sees images"):
        count_messages(request(picture), model)
    with pytest.raises(RequestError, match="image"):
        count_messages([{"role": "assistant", "content": [picture]}], "kimi-k2-5")


@pytest.mark.parametrize("size", [(10, 10, 3), 10, "10"])
def test_a_given_size_is_a_pair(size: Any) -> None:
    """What is given as a size must be width and height."""
    with pytest.raises(RequestError, match="width, height"):
        image_size("https://example.org/cat.png", {"https://example.org/cat.png": size})


@pytest.mark.parametrize("size", [(0, 5), (5, -1), (1.5, 2), (True, 2), (10**7, 1)])
def test_absurd_sizes_are_refused(size: Any) -> None:
    """A size that no image has is an error."""
    with pytest.raises(RequestError, match="cannot be counted"):
        image_tokens(*size)
