"""The corpus file: which sources, at which version and digest, under which licence, in which split.

    name: small
    sources:
      - {kind: pypi, name: attrs, version: "26.1.0", sha256: ..., license: MIT, languages: [python], split: train}

`kind` says where a source comes from, and what else its entry needs:

    pypi     a source distribution from the Python package index     sha256
    npm      a package of the npm registry                           sha256 (of the tarball)
    archive  a .zip or .tar(.gz|.bz2|.xz) at an http(s) or file URL  sha256, url
    git      a repository at one commit                              url, commit (the full hexadecimal id)
    path     a folder, relative to the corpus file                   path

`split` is train, val or test, and a corpus needs all three; or it is by_module, for a corpus of one source alone,
whose top-level modules are then dealt out to the splits when the graph is built. `include` and `exclude` are globs
on paths inside the source (`**` crosses folders); without `include` everything is in.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import yaml
from packaging.utils import canonicalize_name

from graphmer.corpus.licences import parse_licence
from graphmer.errors import CorpusError

# A language is known here as soon as it has a parser.
LANGUAGE_ENDINGS = {
    "java": (".java",),
    "javascript": (".cjs", ".js", ".jsx", ".mjs"),
    "python": (".py",),
    "typescript": (".cts", ".mts", ".ts", ".tsx"),
}
SPLITS = ("train", "val", "test")
BY_MODULE = "by_module"

KIND_KEYS: dict[str, tuple[str, ...]] = {
    "pypi": ("sha256",),
    "npm": ("sha256",),
    "archive": ("sha256", "url"),
    "git": ("url", "commit"),
    "path": ("path",),
}
COMMON_KEYS = ("kind", "name", "version", "license", "languages", "split")
OPTIONAL_KEYS = ("include", "exclude")
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?")
HEX = {"sha256": re.compile(r"[0-9a-f]{64}"), "commit": re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")}


@dataclass(frozen=True)
class Source:
    """One pinned source; a field that its kind does not use is "". `where` names its entry in messages."""

    where: str
    kind: str
    name: str
    version: str
    license: str
    languages: tuple[str, ...]
    split: str
    sha256: str
    url: str
    commit: str
    path: str
    include: tuple[str, ...]
    exclude: tuple[str, ...]

    @property
    def endings(self) -> tuple[str, ...]:
        """File endings of the declared languages."""
        return tuple(ending for language in self.languages for ending in LANGUAGE_ENDINGS[language])


@dataclass(frozen=True)
class Corpus:
    """A named list of sources."""

    name: str
    sources: tuple[Source, ...]


def load_corpus(path: Path) -> Corpus:
    """Read and check a corpus file.

    Raises CorpusError, in one line with the file and the entry, on anything unknown, missing, mistyped or doubled,
    on an empty corpus, and on a split without packages.
    """
    tree = _read(path)
    if not isinstance(tree, dict):
        raise CorpusError(f"{path}: expected a mapping with 'name' and 'sources', got {_shown(tree)}")
    _check_keys(str(path), tree, required=("name", "sources"), optional=())
    entries = tree["sources"]
    if not isinstance(entries, list) or not entries:
        raise CorpusError(f"{path}: sources: the corpus is empty; list at least one source for each split")
    name = _text(str(path), "name", tree["name"])
    sources = tuple(_source(f"{path}: sources[{index}]", entry) for index, entry in enumerate(entries))
    _check_names(path, sources)
    _check_splits(path, sources)
    return Corpus(name, sources)


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CorpusError(f"{path}: no such corpus file; set fetch.corpus to one in data/corpora/") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None


def _source(where: str, entry: object) -> Source:
    if not isinstance(entry, dict):
        raise CorpusError(f"{where}: expected a mapping with {', '.join(COMMON_KEYS)}, got {_shown(entry)}")
    where = f"{where} ({entry.get('name', 'no name')})"
    kind = entry.get("kind")
    if kind not in KIND_KEYS:
        raise CorpusError(f"{where}: kind: expected one of {', '.join(KIND_KEYS)}, got {_shown(kind)}")
    _check_keys(where, entry, required=COMMON_KEYS + KIND_KEYS[kind], optional=OPTIONAL_KEYS)
    return Source(
        where=where,
        kind=kind,
        name=_name(where, entry["name"]),
        version=_text(where, "version", entry["version"]),
        license=_licence(where, entry["license"]),
        languages=_languages(where, entry["languages"]),
        split=_split(where, entry["split"]),
        sha256=_hex(where, "sha256", entry),
        url=_url(where, kind, entry),
        commit=_hex(where, "commit", entry),
        path=_text(where, "path", entry["path"]) if "path" in entry else "",
        include=_texts(where, "include", entry.get("include", [])),
        exclude=_texts(where, "exclude", entry.get("exclude", [])),
    )


def _check_keys(where: str, entry: Mapping[Any, Any], required: tuple[str, ...], optional: tuple[str, ...]) -> None:
    for key in entry:
        if key not in required + optional:
            raise CorpusError(f"{where}: unknown key '{key}'; known here: {', '.join(required + optional)}")
    for key in required:
        if key not in entry:
            raise CorpusError(f"{where}: missing key '{key}'")


def _name(where: str, value: object) -> str:
    name = _text(where, "name", value)
    if not NAME.fullmatch(name) or name.lower() == "manifest.json":
        raise CorpusError(
            f"{where}: name: expected letters, digits, '.', '_' and '-' (it names a folder), got '{name}'"
        )
    return name


def _licence(where: str, value: object) -> str:
    try:
        return str(parse_licence(_text(where, "license", value)))
    except ValueError as error:
        raise CorpusError(f"{where}: license: {error}") from None


def _languages(where: str, value: object) -> tuple[str, ...]:
    languages = _texts(where, "languages", value)
    for language in languages:
        if language not in LANGUAGE_ENDINGS:
            raise CorpusError(f"{where}: languages: expected some of {', '.join(LANGUAGE_ENDINGS)}, got '{language}'")
    if not languages:
        raise CorpusError(f"{where}: languages: expected at least one of {', '.join(LANGUAGE_ENDINGS)}")
    return tuple(sorted(set(languages)))


def _split(where: str, value: object) -> str:
    if value not in (*SPLITS, BY_MODULE):
        raise CorpusError(f"{where}: split: expected {', '.join(SPLITS)} or {BY_MODULE}, got {_shown(value)}")
    return str(value)


def _hex(where: str, key: str, entry: Mapping[str, object]) -> str:
    if key not in entry:
        return ""
    value = entry[key]
    if not isinstance(value, str) or not HEX[key].fullmatch(value):
        digits = "64" if key == "sha256" else "40 or 64"
        raise CorpusError(f"{where}: {key}: expected {digits} lower-case hexadecimal digits, got {_shown(value)}")
    return value


def _url(where: str, kind: str, entry: Mapping[str, object]) -> str:
    if "url" not in entry:
        return ""
    url = _text(where, "url", entry["url"])
    schemes = ("https://", "http://", "file://") + (("ssh://", "git://") if kind == "git" else ())
    if not url.startswith(schemes):
        raise CorpusError(f"{where}: url: expected an address that starts with {', '.join(schemes)}, got '{url}'")
    return url


def _texts(where: str, key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise CorpusError(f"{where}: {key}: expected a list, got {_shown(value)}")
    return tuple(_text(where, key, item) for item in value)


def _text(where: str, key: str, value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value
    hint = "; put it in quotes" if isinstance(value, int | float) else ""
    raise CorpusError(f"{where}: {key}: expected text, got {_shown(value)}{hint}")


def _check_names(path: Path, sources: tuple[Source, ...]) -> None:
    seen: dict[str, str] = {}
    for source in sources:
        first = seen.setdefault(canonicalize_name(source.name), source.where)
        if first != source.where:
            raise CorpusError(f"{source.where}: the name is taken by {first.removeprefix(f'{path}: ')}; keep one")


def _check_splits(path: Path, sources: tuple[Source, ...]) -> None:
    splits = {source.split for source in sources}
    if BY_MODULE in splits:
        if len(sources) > 1:
            _refuse(path, f"split: {BY_MODULE} is for one source alone, there are {len(sources)}; give each a split")
        return
    for split in SPLITS:
        if split not in splits:
            _refuse(path, f"split '{split}' has no packages; give it one, or use {BY_MODULE} for one source alone")


def _refuse(path: Path, message: str) -> NoReturn:
    raise CorpusError(f"{path}: {message}")


def _shown(value: object) -> str:
    return "nothing" if value is None else f"{type(value).__name__} {value!r}"[:80]
