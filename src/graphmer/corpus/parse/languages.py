"""Which parser reads which file: the one place where a language is added."""

from collections.abc import Callable, Mapping
from posixpath import splitext
from typing import NamedTuple

from graphmer.corpus.parse.documents import parse_document
from graphmer.corpus.parse.java import parse_java
from graphmer.corpus.parse.javascript import parse_javascript, parse_typescript
from graphmer.corpus.parse.manifests import parse_manifest
from graphmer.corpus.parse.python.parser import parse_python
from graphmer.corpus.parse.records import FileKey, ParsedFile

Parser = Callable[[bytes, FileKey], ParsedFile]

DOCUMENT = "document"
MANIFEST = "manifest"
DOCUMENT_ENDINGS = frozenset({".md", ".rst"})
ROOT_MANIFESTS = frozenset({"PKG-INFO", "package.json", "pyproject.toml", "setup.cfg", "setup.py"})
NESTED_MANIFESTS = frozenset({"pom.xml"})  # a Maven project has one in each of its modules

TEST_FOLDERS = frozenset({"tests", "test", "__tests__"})


class Language(NamedTuple):
    """A programming language: the endings of its files, its parser, and the names of its test files."""

    endings: frozenset[str]
    parse: Parser
    test_prefixes: tuple[str, ...]
    test_suffixes: tuple[str, ...]  # of the stem
    test_names: tuple[str, ...]  # whole stems


LANGUAGES: Mapping[str, Language] = {
    "java": Language(frozenset({".java"}), parse_java, (), ("Test", "Tests"), ()),
    "javascript": Language(
        frozenset({".js", ".mjs", ".cjs", ".jsx"}), parse_javascript, (), (".test", ".spec"), ("test",)
    ),
    "python": Language(frozenset({".py"}), parse_python, ("test_",), ("_test",), ("conftest",)),
    "typescript": Language(
        frozenset({".ts", ".tsx", ".mts", ".cts"}), parse_typescript, (), (".test", ".spec"), ("test",)
    ),
}
PARSERS: Mapping[str, Parser] = {
    **{name: language.parse for name, language in LANGUAGES.items()},
    DOCUMENT: parse_document,
    MANIFEST: parse_manifest,
}


def language_of(file: str, languages: frozenset[str]) -> str | None:
    """The language of a file of a package whose declared languages are given; None where nothing reads it."""
    name = file.rpartition("/")[2]
    ending = splitext(name)[1]
    if name in NESTED_MANIFESTS or file in ROOT_MANIFESTS:
        return MANIFEST
    if ending.lower() in DOCUMENT_ENDINGS:
        return DOCUMENT
    return next((language for language in sorted(languages) if ending in LANGUAGES[language].endings), None)


def kind_of(language: str) -> str:
    """The kind of a file in `language`: code, document or manifest."""
    return language if language in (DOCUMENT, MANIFEST) else "code"


def is_test(file: str, language: str) -> bool:
    """Whether a code file's path says that it tests the package."""
    rules = LANGUAGES.get(language)
    if rules is None:
        return False
    *folders, name = file.split("/")
    if not TEST_FOLDERS.isdisjoint(folders):
        return True
    stem = splitext(name)[0]
    return (
        stem in rules.test_names
        or stem.startswith(rules.test_prefixes)  # an empty tuple matches nothing
        or stem.endswith(rules.test_suffixes)
    )
