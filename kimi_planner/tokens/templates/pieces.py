"""What a rendered conversation is made of: text, special tokens, images, numbers of tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import groupby

from kimi_planner.tokens.messages import Image, Message


class Special(Enum):
    """Special tokens that the templates write; each is one token."""

    USER = "<|im_user|>"
    ASSISTANT = "<|im_assistant|>"
    SYSTEM = "<|im_system|>"
    MIDDLE = "<|im_middle|>"
    END = "<|im_end|>"
    THINK = "<think>"
    END_THINK = "</think>"
    CALLS = "<|tool_calls_section_begin|>"
    END_CALLS = "<|tool_calls_section_end|>"
    CALL = "<|tool_call_begin|>"
    ARGUMENTS = "<|tool_call_argument_begin|>"
    END_CALL = "<|tool_call_end|>"
    MEDIA = "<|media_begin|>"
    MEDIA_CONTENT = "<|media_content|>"
    END_MEDIA = "<|media_end|>"


#: Text is counted as ordinary text, whatever it spells; a number is of tokens that are known.
Piece = str | Special | Image | int


def content(message: Message, *, after_media: Iterable[Piece] = ()) -> Iterator[Piece]:
    """Yield the parts of a message, each image and video between its marks."""
    for part in message.parts:
        if isinstance(part, str):
            yield part
        else:
            yield from (Special.MEDIA, part if isinstance(part, Image) else "video")
            yield from (Special.MEDIA_CONTENT, Special.END_MEDIA, *after_media)


def joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Join texts that meet: a template that writes them as one text has them cut as one."""
    for is_text, run in groupby(pieces, lambda piece: isinstance(piece, str)):
        if not is_text:
            yield from run
        elif text := "".join(map(str, run)):
            yield text
