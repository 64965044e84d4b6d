"""Which files of a source the later stages read: its languages' code, documents, manifests and licences."""

import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from pathlib import PurePosixPath

from graphmer.corpus.pins import Source

DOCUMENTS = (".md", ".rst")
MANIFESTS = {
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "PKG-INFO",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "package.json",
}
LICENCES = re.compile(r"(LICEN[SC]E|COPYING|NOTICE)([-._].*)?")
MAX_NAME_BYTES = 255  # of one folder or file name, on ext4, APFS and NTFS alike
MAX_PATH_BYTES = 1024


def select_files(files: Mapping[str, int], source: Source, max_file_bytes: int, skipped: Counter[str]) -> set[str]:
    """The paths to keep.

    files: bytes of each file by its path inside the source.  skipped: the rest is counted there, by reason.
    """
    kept: set[str] = set()
    spellings: set[str] = set()
    for path in sorted(files):
        reason = _reason_against(path, files[path], source, max_file_bytes)
        if not reason and path.casefold() in spellings:
            reason = "case_collision"
        if reason:
            skipped[reason] += 1
        else:
            kept.add(path)
            spellings.add(path.casefold())
    return kept


def matches(path: str, glob: str) -> bool:
    """Whether a relative path matches a glob: `*` and `?` stay inside a folder, `**` crosses folders."""
    return _compiled(glob).fullmatch(path) is not None


def _reason_against(path: str, num_bytes: int, source: Source, max_file_bytes: int) -> str:
    name = PurePosixPath(path).name
    if _is_odd(path):
        return "odd_name"
    is_paper = name in MANIFESTS or LICENCES.fullmatch(name) is not None
    # An sdist repeats its PKG-INFO in *.egg-info.
    if not (is_paper or name.endswith((*source.endings, *DOCUMENTS))) or ".egg-info/" in path:
        return "not_needed"
    # The package's own papers at its top say its licence and dependencies, whatever `include` names.
    if not (is_paper and "/" not in path) and not _is_included(path, source):
        return "excluded"
    return "too_large" if num_bytes > max_file_bytes else ""


def _is_included(path: str, source: Source) -> bool:
    included = not source.include or any(matches(path, glob) for glob in source.include)
    return included and not any(matches(path, glob) for glob in source.exclude)


def _is_odd(path: str) -> bool:
    try:
        encoded = path.encode("utf-8")
    except UnicodeEncodeError:  # bytes that are not UTF-8 come as lone surrogates
        return True
    too_long = len(encoded) > MAX_PATH_BYTES or any(len(part) > MAX_NAME_BYTES for part in encoded.split(b"/"))
    return too_long or not path or "\\" in path or any(ord(char) < 32 or ord(char) == 127 for char in path)


@lru_cache
def _compiled(glob: str) -> re.Pattern[str]:
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(meaning.get(piece) or re.escape(piece) for piece in pieces), re.DOTALL)
