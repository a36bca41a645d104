"""Image tokens: the MoonViT resize rule, and the sizes of images read from their headers."""

from __future__ import annotations

import math
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import IO
from urllib.parse import unquote_to_bytes, urlsplit

from kimi_planner.boundary import opening
from kimi_planner.errors import RequestError, needs, shown
from kimi_planner.limits import PIXELS

#: Forms of pixels; the first are those that the API documents, the others what clients turn into them.
_FORMS = (
    "PNG",
    "JPEG",
    "WEBP",
    "GIF",
    "MPO",
    "BMP",
    "TIFF",
    "AVIF",
    "HEIF",
    "ICO",
    "PPM",
    "JPEG2000",
)

PATCH_PIXELS = 14
MERGED_PIXELS = 2 * PATCH_PIXELS
MAX_PATCHES = 16_384
MAX_SIDE_PATCHES = 512
MAX_SIDE_PIXELS = MAX_SIDE_PATCHES * PATCH_PIXELS
_LONGEST_PATH = 4096
#: How PNG, JPEG, GIF and WebP begin in base64 without what says that it is.
_BARE = ("iVBORw0KGgo", "/9j/", "R0lGOD", "UklGR")

Size = tuple[int, int]


def image_tokens(width: int, height: int, *, max_patches: int = MAX_PATCHES) -> int:
    """Count the tokens of an image.

    Parameters
    ----------
    width, height : int
        Pixels, from 1.
    max_patches : int
        Most patches after the image is scaled down: 16,384 for K2.5 to K2.7, 65,536 for K3.

    Returns
    -------
    int
        Tokens of the image itself, without the marks around it.

    Raises
    ------
    RequestError
        If a side is not a whole number of pixels from 1 to 1,000,000.

    Notes
    -----
    The rule of MoonViT as public inference engines implement it for Kimi K2.5: patches of 14
    pixels, merged two by two; the image is scaled down to at most ``max_patches`` and 512 on a
    side, then padded to whole merged patches.

    Examples
    --------
    >>> image_tokens(1920, 1080)
    2691
    """
    for side in (width, height):
        if type(side) is not int or not 1 <= side <= PIXELS:
            raise RequestError(
                f"An image of {shown(width)} by {shown(height)} pixels cannot be counted. "
                f"Give whole pixels from 1 to {PIXELS:,}."
            )
    patches = max(1, width // PATCH_PIXELS) * max(1, height // PATCH_PIXELS)
    scale = min(
        1.0, math.sqrt(max_patches / patches), MAX_SIDE_PIXELS / width, MAX_SIDE_PIXELS / height
    )
    across, down = (
        math.ceil(min(max(1, int(side * scale)), MAX_SIDE_PIXELS) / MERGED_PIXELS)
        for side in (width, height)
    )
    return across * down


def most_image_tokens(max_patches: int = MAX_PATCHES) -> int:
    """Return a number of tokens that no image exceeds, its sides padded to whole merged patches."""
    sides = MAX_SIDE_PATCHES, max_patches / MAX_SIDE_PATCHES
    cut_off = (1 + 1 / sides[0]) * (
        1 + 1 / sides[1]
    )  # patches are whole before the image is scaled
    return int(max_patches * cut_off / 4 + sum(sides) / 2 + 2)


def image_size(url: str, sizes: Mapping[str, Size] | None = None) -> Size | None:
    """Return the width and height of an image in pixels, reading no more than its header.

    ``None`` if it is not at hand and its size is not given: nothing is fetched.

    Parameters
    ----------
    url : str
        A data URL, a ``file:`` URL, or the path of a local file.
    sizes : mapping of str to (int, int), optional
        Sizes that are known, by address.

    Raises
    ------
    RequestError
        If a local image or one in the address cannot be read.
    """
    if sizes and url in sizes:
        size = sizes[url]
        if not isinstance(size, tuple | list) or len(size) != 2:
            raise RequestError(
                f"The size of {_named(url)} is {shown(size)}. Give (width, height) in pixels."
            )
        return size[0], size[1]
    scheme = _scheme(url)
    try:
        if scheme == "data":
            return _size_in_data(url)
        if scheme == "" and (len(url) > _LONGEST_PATH or url.startswith(_BARE)):
            return _size_in_data(f"data:image;base64,{url}")
        if scheme in ("", "file") or len(scheme) == 1:  # one letter is a drive
            path = _local_path(url, scheme)
            opening(path)
            with path.open("rb") as handle:
                return _size_of(handle)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise RequestError(
            f"The image {_named(url)} cannot be read ({shown(str(error), 120)}). Give an image file or a data URL."
        ) from None
    return None


def _scheme(url: str) -> str:
    before, colon, _ = url[:20].partition(":")
    return before.lower() if colon and before.isalnum() else ""


def _local_path(url: str, scheme: str) -> Path:
    if scheme != "file":
        return Path(url)
    from urllib.request import url2pathname  # slow to import, and seldom needed

    return Path(url2pathname(urlsplit(url).path))


def _size_in_data(url: str) -> Size:
    head, comma, data = url.partition(",")
    if not comma:
        raise ValueError("the data URL has no comma")
    if not head.endswith(";base64"):
        return _size_of(BytesIO(unquote_to_bytes(data)))
    try:
        return _size_of(BytesIO(b64decode(data[:65_536])))  # nearly every header ends here
    except (OSError, Base64Error):
        return _size_of(BytesIO(b64decode(data)))


def _size_of(handle: IO[bytes]) -> Size:
    with needs("pillow"):
        from PIL import Image, UnidentifiedImageError

    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # it guards what is unpacked
    try:
        with Image.open(handle) as image:  # reads the header only
            (width, height), form = image.size, image.format
    except UnidentifiedImageError:
        raise OSError("no known image form") from None
    except Exception as error:  # readers of rare forms raise anything for a damaged file
        raise OSError(f"damaged: {type(error).__name__}") from None
    finally:
        Image.MAX_IMAGE_PIXELS = limit
    if form not in _FORMS:
        raise OSError(f"{form} is no form that is sent; {', '.join(_FORMS[:4])} and others are")
    if not 0 < max(width, height) <= PIXELS:
        raise OSError(f"damaged: {width:,} by {height:,} pixels")
    return width, height


def _named(url: str) -> str:
    return shown(url, 80)
