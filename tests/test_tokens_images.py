"""Images are counted by the published resize rule, from their headers."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PIL import Image

from kimi_planner import count_messages, count_tokens, load_catalog
from kimi_planner.catalog import catalog_versions
from kimi_planner.errors import RequestError
from kimi_planner.tokens.chat import count_prompt
from kimi_planner.tokens.images import image_size, image_tokens, most_image_tokens


def by_the_rule(width: int, height: int, *, most: int = 16_384) -> int:
    """Compute the tokens step by step as the rule is written down."""
    patches = max(1, width // 14) * max(1, height // 14)
    scale = min(1, math.sqrt(most / patches), 512 * 14 / width, 512 * 14 / height)
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
        ("data:image/png;base64,AAAA", "no known image form"),
        ("data:image/png;base64", "no comma"),
        ("data:image/png;base64,@@@", "cannot be read"),
        ("A" * 5_000, "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_an_error(url: str, words: str) -> None:
    """What is said to be an image and is none is an error with a remedy, in a short line."""
    with pytest.raises(RequestError, match=words) as caught:
        image_size(url)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/cat.png",
        "ms://file-1",
        "http://[2001:0db8:85a3::8a2e:0370:7334]/x.png",
        "/no/such/file.png",
    ],
)
def test_an_image_elsewhere_is_a_range(url: str) -> None:
    """Nothing is fetched: the most that an image can have is counted, the least is the low end."""
    assert image_size(url) is None
    body = {"messages": request({"type": "image_url", "image_url": url})}
    found = count_prompt(body, load_catalog().model("kimi-k2-5"))
    assert found.exactness == "estimate"
    known = [
        count_prompt(body, load_catalog().model("kimi-k2-5"), image_sizes={url: size}).tokens
        for size in [(1, 1), (7168, 448), (448, 7168), (9999, 9999), (1792, 1793)]
    ]
    assert found.low <= min(known)
    assert max(known) <= found.tokens <= found.high
    assert "image_sizes" in found.why[0]


@pytest.mark.parametrize("most", [16_384, 65_536])
def test_no_image_has_more_than_the_most(most: int) -> None:
    """Of many sizes, the worst found by a search among them."""
    rng = Random(0)
    sizes = [tuple(int(math.exp(rng.uniform(0, 13.8))) for _ in "wh") for _ in range(20_000)]
    found = max(by_the_rule(*size, most=most) for size in [*sizes, (7081, 489), (7377, 1889)])
    assert 0.98 * most_image_tokens(most) < found <= most_image_tokens(most)


def test_data_without_its_head_is_an_image() -> None:
    """Clients send the bare base64 of an image; it is read as such."""
    _, data = data_url("bmp", (80, 70)).split(",")
    assert image_size(data) == (80, 70)


def test_a_given_size_stands_for_an_image_elsewhere() -> None:
    """The size of a remote image can be given by its address."""
    url = "https://example.org/cat.png"
    assert image_size(url, {url: (30, 40)}) == (30, 40)


def request(*parts: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(parts)}]


def test_an_image_in_a_message() -> None:
    """An image part costs its tokens, three marks, the word image and a line break, beside the text.

    The break belongs to the text after it.
    """
    words = {"type": "text", "text": "What is this?"}
    picture = {"type": "image_url", "image_url": {"url": data_url("png", (280, 280))}}
    plain = count_messages(request(words), "kimi-k2-5")
    assert count_messages(request(words, picture), "kimi-k2-5") == plain + 100 + 5
    short = {"type": "image_url", "image_url": picture["image_url"]["url"]}
    assert count_messages(request(short, words), "kimi-k2-5") == plain + 105


def test_the_recorded_count_of_an_image() -> None:
    """An image of 224 by 224 pixels with a question was counted 81, `<think>` included."""
    url = data_url("png", (224, 224))
    parts = {"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "Describe the image."}  # fmt: skip
    assert count_messages(request(*parts), "kimi-k2-5") == 80


def test_k3_names_the_pixels_of_an_image() -> None:
    """Its label holds width and height before scaling, and no line is broken after it."""
    catalog = load_catalog(catalog_versions()[-1])
    plain = count_messages(request(), "kimi-k3", catalog=catalog)
    for size in [(280, 280), (6000, 6000), (20_000, 300)]:
        url = f"https://example.org/{size}"
        counted = count_messages(
            request({"type": "image_url", "image_url": url}),
            "kimi-k3",
            image_sizes={url: size},
            catalog=catalog,
        )
        label = count_tokens(f"image {size[0]}x{size[1]}")
        assert counted == plain + 3 + label + by_the_rule(*size, most=65_536)


def test_text_on_both_sides_of_an_image_stays_apart() -> None:
    """Texts that an image parts are counted apart, texts that meet as one."""
    half = {"type": "text", "text": "straw"}
    rest = {"type": "text", "text": "berry"}
    picture = {"type": "image_url", "image_url": {"url": data_url("png", (28, 28))}}
    base = count_messages(request({"type": "text", "text": ""}), "kimi-k2-5")
    together = count_messages(request(half, rest), "kimi-k2-5") - base
    apart = count_messages(request(half, picture, rest), "kimi-k2-5") - base
    assert together == count_tokens("strawberry")
    assert apart == count_tokens("straw") + count_tokens("\nberry") + 5


@pytest.mark.parametrize("model", ["kimi-k2", "kimi-k2-instruct", "kimi-k2-5-thinking"])
def test_models_that_are_not_said_to_see(model: str) -> None:
    """Unknown is not yes, and not no: the count says that nobody states it."""
    picture = {"type": "image_url", "image_url": {"url": data_url("png", (28, 28))}}
    found = count_prompt({"messages": request(picture)}, load_catalog().model(model))
    assert found.exactness == "template"
    assert any(f"does not state that {model} sees images" in said for said in found.why)


def test_models_that_are_said_not_to_see() -> None:
    """What the API will refuse is said."""
    picture = {"type": "image_url", "image_url": {"url": data_url("png", (28, 28))}}
    blind = replace(load_catalog().model("kimi-k2"), lacks=frozenset({"vision"}))
    assert "does not see images" in count_prompt({"messages": request(picture)}, blind).refused[0]


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


def test_only_the_header_of_a_huge_image_is_read() -> None:
    """What would be a bomb to unpack has a size all the same, and the limit of others stays."""
    limit, picture = Image.MAX_IMAGE_PIXELS, io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(picture, "PNG")
    url = f"data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}"
    assert image_size(url) == (20_000, 20_000)
    assert limit == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize(
    "data",
    [
        b"DDS |\0\0\0" + b"\xff" * 200,
        b"\0\0\0 ftypavif" + b"\0" * 40,
        b"\x89PNG\r\n\x1a\n" + b"\0" * 30,
    ],
)
def test_a_damaged_image_is_one_clear_error(data: bytes) -> None:
    """Readers of rare forms raise all kinds of errors."""
    url = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    with pytest.raises(RequestError, match="cannot be read"):
        image_size(url)
