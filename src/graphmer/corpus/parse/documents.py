"""README and documentation pages: their text is kept whole, and the code names that they mention are found.

References: `mention` (name = last identifier, value = dotted path as written), the span being the last identifier's.
Mentions stand between backticks: `name`, ``pkg.name``, :func:`~pkg.name`, :class:`title <pkg.Name>`.
"""

import re

from graphmer.corpus.parse.records import FileKey, ParsedFile, Reference

# Longer spans are prose or code samples, never one name; the limit also bounds the search in a hostile file.
# It begins with a letter, not with a condition: re then skips to the next such byte in C.
QUOTED = re.compile(rb"`(?<!``)(`?)(?!`)([^`\n]{1,200})`\1(?!`)")
TITLED = re.compile(rb"[^<]*<([^<>]+)>")
CODE_NAME = re.compile(rb"[~!.@]*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?:\([^()]*\))?")


def parse_document(source: bytes, where: FileKey) -> ParsedFile:
    """The code names that a page mentions; a document has no module and defines nothing."""
    scope = f"{where.language}:{where.package}:{where.file}"
    references = []
    for match in QUOTED.finditer(source):
        span = _code_name(source, match.start(2), match.end(2))
        if span is not None:
            start, end = span
            path = source[start:end].decode("ascii")
            name = path.rpartition(".")[2]
            references.append(Reference(scope, "mention", name, path, 0, end - len(name), end))
    return ParsedFile("", [], references, "ok", "")


def _code_name(source: bytes, start: int, end: int) -> tuple[int, int] | None:
    """The byte range of the dotted name between backticks, or None where something else stands there."""
    titled = TITLED.fullmatch(source, start, end)
    if titled is not None:
        start, end = titled.span(1)
    named = CODE_NAME.fullmatch(source, start, end)
    return named.span(1) if named is not None else None
