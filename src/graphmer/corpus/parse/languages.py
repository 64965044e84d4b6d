"""Which parser reads which file: the one place where a language is added."""

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from graphmer.corpus.parse.documents import parse_document
from graphmer.corpus.parse.java import parse_java
from graphmer.corpus.parse.manifests import parse_manifest
from graphmer.corpus.parse.python import parse_python
from graphmer.corpus.parse.records import FileKey, ParsedFile

Parser = Callable[[bytes, FileKey], ParsedFile]

DOCUMENT = "document"
MANIFEST = "manifest"
DOCUMENT_ENDINGS = frozenset({".md", ".rst"})
ROOT_MANIFESTS = frozenset({"PKG-INFO", "pyproject.toml", "setup.cfg", "setup.py"})
NESTED_MANIFESTS = frozenset({"pom.xml"})  # a Maven project has one in each of its modules

TEST_FOLDERS = frozenset({"tests", "test"})


class Language(NamedTuple):
    """A programming language: the endings of its files, its parser, and the names of its test files."""

    endings: frozenset[str]
    parse: Parser
    test_prefixes: tuple[str, ...]
    test_suffixes: tuple[str, ...]  # of the stem
    test_names: tuple[str, ...]  # whole stems


LANGUAGES: Mapping[str, Language] = {
    "java": Language(frozenset({".java"}), parse_java, (), ("Test", "Tests"), ()),
    "python": Language(frozenset({".py"}), parse_python, ("test_",), ("_test",), ("conftest",)),
}
PARSERS: Mapping[str, Parser] = {
    **{name: language.parse for name, language in LANGUAGES.items()},
    DOCUMENT: parse_document,
    MANIFEST: parse_manifest,
}


def language_of(file: str, languages: frozenset[str]) -> str | None:
    """The language of a file of a package whose declared languages are given; None where nothing reads it."""
    path = PurePosixPath(file)
    if path.name in NESTED_MANIFESTS or file in ROOT_MANIFESTS:
        return MANIFEST
    if path.suffix.lower() in DOCUMENT_ENDINGS:
        return DOCUMENT
    return next((name for name in sorted(languages) if path.suffix in LANGUAGES[name].endings), None)


def kind_of(language: str) -> str:
    """The kind of a file in `language`: code, document or manifest."""
    return language if language in (DOCUMENT, MANIFEST) else "code"


def is_test(file: str, language: str) -> bool:
    """Whether a code file's path says that it tests the package."""
    rules = LANGUAGES.get(language)
    if rules is None:
        return False
    path = PurePosixPath(file)
    if not TEST_FOLDERS.isdisjoint(path.parts[:-1]):
        return True
    return (
        path.stem in rules.test_names
        or path.stem.startswith(rules.test_prefixes)  # an empty tuple matches nothing
        or path.stem.endswith(rules.test_suffixes)
    )
