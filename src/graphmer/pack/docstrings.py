"""The first paragraph of a docstring in plain words."""

import re

# Where a docstring stops to describe and starts to list.
SECTION = re.compile(
    r"^\s*(:\w+|@\w+|>>>|\.\. |[-=~]{3,}|(Args|Arguments|Parameters|Returns?|Raises|Yields|Examples?|Notes?)\s*:?\s*$)"
)
INLINE_TAG = re.compile(r"\{@\w+\s+([^}]*)\}")
ROLE = re.compile(r":[\w:.]+:`[~!]?([^`<]*?)\s*(?:<[^>]*>)?`")
HTML_TAG = re.compile(r"</?[a-zA-Z][^>]*>")
WORD = re.compile(r"\w+")


def first_paragraph(docstring: str, max_words: int) -> str:
    """The first paragraph in plain words: markup gone, cut at the first section and after `max_words` words."""
    lines: list[str] = []
    for line in docstring.strip().splitlines():
        if SECTION.match(line) or (not line.strip() and lines):
            break
        lines.append(line.strip())
    text = HTML_TAG.sub(" ", INLINE_TAG.sub(r"\1", ROLE.sub(r"\1", " ".join(lines))))
    words = text.replace("`", "").split()
    return " ".join(words[:max_words])


def num_words(text: str) -> int:
    """How much a text says, punctuation not counted."""
    return len(WORD.findall(text))
