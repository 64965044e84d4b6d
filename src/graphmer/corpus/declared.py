"""The runtime dependencies that a Python source distribution declares: the truth of dependency inference.

Read in this order; the first that can be believed is taken, and its name goes with the answer:

    PKG-INFO      Requires-Dist, or its absence from version 2.2 of the metadata on, unless marked Dynamic
    requires.txt  of *.egg-info, which setuptools writes beside an older PKG-INFO; no such file: no dependency
    pyproject.toml, setup.cfg, setup.py   read as `parse` reads them, where they state dependencies

Requirements of extras are left out. One with another environment marker (`; python_version < "3.11"`) is declared, and
keeps its marker: the code imports what it needs on any system. Nothing is ever executed.
"""

import re
from collections.abc import Iterator, Mapping
from email.parser import HeaderParser
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from graphmer.corpus.parse.manifests import parse_manifest
from graphmer.corpus.parse.records import FileKey

STATIC = ("pyproject.toml", "setup.cfg", "setup.py")
COMPLETE_FROM = (2, 2)  # core metadata: from here on a field that is absent and not Dynamic is empty


class Declaration(NamedTuple):
    """markers: {normalised distribution: its marker, "" where it is needed everywhere}. source: where that stands."""

    markers: dict[str, str]
    source: str


def declared_dependencies(papers: Mapping[str, bytes], name: str) -> Declaration | None:
    """What a distribution declares, or None where nothing in it says so without being run.

    papers: its manifests by path inside it, those of its egg-info among them. name: the distribution's own, which
    never depends on itself.
    """
    for source, requirements in _statements(papers):
        if requirements is not None:
            markers = _by_distribution(requirements)
            markers.pop(canonicalize_name(name), None)
            return Declaration(markers, source)
    return None


def _statements(papers: Mapping[str, bytes]) -> Iterator[tuple[str, list[str] | None]]:
    """(source, requirements, or None where it cannot be believed), the best first."""
    if "PKG-INFO" in papers:
        yield "PKG-INFO", _from_metadata(papers["PKG-INFO"])
    eggs = sorted((path for path in papers if ".egg-info/" in path), key=lambda path: (path.count("/"), path))
    if eggs:
        folder = eggs[0].rpartition("/")[0]
        yield "requires.txt", list(_from_egg(papers.get(f"{folder}/requires.txt", b"").decode("utf-8", "replace")))
    for manifest in STATIC:
        if manifest in papers:
            parsed = parse_manifest(papers[manifest], FileKey("", "python", manifest))
            yield manifest, [row.value for row in parsed.references if row.kind == "dependency"] or None


def _from_metadata(data: bytes) -> list[str] | None:
    headers = HeaderParser().parsestr(data.decode("utf-8", "replace"), headersonly=True)
    stated = [" ".join(str(value).split()) for value in headers.get_all("Requires-Dist", [])]
    version = tuple(int(part) for part in re.findall(r"\d+", str(headers.get("Metadata-Version", "")))[:2])
    dynamic = {str(value).strip().lower() for value in headers.get_all("Dynamic", [])}
    return stated if stated or (version >= COMPLETE_FROM and "requires-dist" not in dynamic) else None


def _from_egg(text: str) -> Iterator[str]:
    """requires.txt: requirements, then sections `[extra]`, `[:marker]` and `[extra:marker]`."""
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif line and not section:
            yield line
        elif line and section.startswith(":"):
            yield f"{line}; {section[1:]}"


def _by_distribution(requirements: list[str]) -> dict[str, str]:
    """Markers joined by ` or `; a requirement without one makes the distribution needed everywhere."""
    found: dict[str, set[str]] = {}
    for text in requirements:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:  # an old or foreign notation names no distribution that could be trusted
            continue
        marker = str(requirement.marker or "")
        if not re.search(r"\bextra\b", marker):
            found.setdefault(canonicalize_name(requirement.name), set()).add(marker)
    return {name: "" if "" in markers else " or ".join(sorted(markers)) for name, markers in sorted(found.items())}
