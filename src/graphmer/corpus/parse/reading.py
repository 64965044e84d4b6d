"""Reading one file of a package: what it is, whether it can be parsed, and why not."""

import os
import stat
from pathlib import Path
from typing import NamedTuple

from graphmer.artifacts import sha256_bytes
from graphmer.corpus.parse.config import ParseParams
from graphmer.corpus.parse.languages import PARSERS, is_test, kind_of
from graphmer.corpus.parse.records import FileKey, ParsedFile

Utf8 = bytes  # a row has a field of that name
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class FileRow(NamedTuple):
    """One row of files.parquet, in its order of columns."""

    package: str
    version: str
    license: str
    language: str
    split: str
    file: str
    module: str
    kind: str
    is_test: bool
    sha256: str
    bytes: int
    lines: int
    status: str
    reason: str
    text: Utf8


class PackageKey(NamedTuple):
    """A package of the corpus, as the raw manifest names it."""

    name: str
    version: str
    license: str
    split: str
    languages: tuple[str, ...]


def printable(name: str) -> str:
    """A file name that fits into a table: bytes that are not UTF-8 stand as escapes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def parse_file(
    folder: Path, package: PackageKey, language: str, file: str, params: ParseParams
) -> tuple[FileRow, ParsedFile]:
    """Read and parse one file; whatever is wrong with it becomes its status and reason, never an error."""
    source, reason = _read(f"{folder}/{file}", params.max_file_bytes)
    if not reason:
        reason = _unfit(source, language, file, params)
    name = printable(file)
    parsed = ParsedFile("", [], [], "skipped", reason)
    if not reason:
        try:
            parsed = PARSERS[language](source, FileKey(package.name, language, name))
        except RecursionError:
            parsed = ParsedFile("", [], [], "skipped", "too_deep")
    skipped = parsed.status == "skipped"
    row = FileRow(
        package=package.name,
        version=package.version,
        license=package.license,
        language=language,
        split=package.split,
        file=name,
        module=parsed.module,
        kind=kind_of(language),
        is_test=is_test(name, language),
        sha256=sha256_bytes(source) if source else "",
        bytes=len(source),
        lines=0 if skipped else source.count(b"\n") + (not source.endswith(b"\n") and bool(source)),
        status=parsed.status,
        reason=parsed.reason,
        text=b"" if skipped else source,
    )
    return row, parsed


def _read(path: str, max_bytes: int) -> tuple[bytes, str]:
    """The file's bytes, or none and the reason. Nothing but a regular file is opened: a FIFO would block."""
    try:
        state = os.lstat(path)
        if stat.S_ISLNK(state.st_mode):
            return b"", "link"
        if not stat.S_ISREG(state.st_mode):
            return b"", "not_a_regular_file"
        if state.st_size > max_bytes:
            return b"", "too_large"
        with open(path, "rb", buffering=0) as stream:
            source = stream.read(state.st_size + 1)
            if len(source) > state.st_size:  # it grew
                source += stream.read(max_bytes)
    except FileNotFoundError:
        return b"", "vanished"
    except OSError:
        return b"", "unreadable"
    return (b"", "too_large") if len(source) > max_bytes else (source, "")


def _unfit(source: bytes, language: str, file: str, params: ParseParams) -> str:
    """Why bytes cannot be parsed, or an empty text."""
    if source.startswith(UTF16_MARKS):
        return "utf16"
    if b"\0" in source:
        return "nul_bytes"
    try:
        if not source.isascii():
            source.decode("utf-8")
    except UnicodeDecodeError:  # another encoding has other byte offsets than the text that later stages see
        return "not_utf8"
    blank = not source or source.isspace()
    if blank and not file.endswith("__init__.py"):  # an empty __init__.py is what makes a folder a package
        return "empty"
    if kind_of(language) == "code" and _has_longer_line(source, params.max_line_bytes):
        return "long_line"
    return ""


def _has_longer_line(source: bytes, max_bytes: int) -> bool:
    """Whether a line has more bytes than `max_bytes`: each step looks back from that far on, so few bytes are met."""
    start = 0
    while start + max_bytes < len(source):
        newline = source.rfind(b"\n", start, start + max_bytes + 1)
        if newline < 0:
            return True
        start = newline + 1
    return False
