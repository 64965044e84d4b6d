"""What a package's own manifests say: the libraries that it depends on and what it builds."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from graphmer.corpus.parse.records import Reference, Span
from graphmer.kg.containment import Entity, repository_symbol, shown
from graphmer.kg.facts import ExternalEntity, Fact

# Of Python's manifests the first with a dependency is believed: later ones repeat it, often in part. PKG-INFO is what
# the build tool made of the others, and each requirement stands on a line of its own.
PYTHON_PRECEDENCE = ("PKG-INFO", "pyproject.toml", "setup.cfg", "setup.py")
LANGUAGE_OF_MANIFEST = {**dict.fromkeys(PYTHON_PRECEDENCE, "python"), "package.json": "javascript", "pom.xml": "java"}


class Declared(NamedTuple):
    """Facts of a package's manifests with the entities that they bring."""

    facts: list[Fact]
    entities: list[Entity]
    externals: list[ExternalEntity]


def manifest_language(file: str) -> str:
    """The language whose packages a manifest describes."""
    return LANGUAGE_OF_MANIFEST[PurePosixPath(file).name]


def manifest_facts(package: str, references: Mapping[str, Sequence[Reference]]) -> Declared:
    """depends_on and produces facts.

    references: those of each manifest, by file.
    """
    head = repository_symbol(package)
    declared = Declared([], [], [])
    for file in _dependency_manifests(references):
        language = manifest_language(file)
        for row in references[file]:
            if row.kind == "dependency":
                tail = f"library:{row.name}"
                declared.facts.append(shown(head, "depends_on", tail, file, _span(row), "external"))
                declared.externals.append(ExternalEntity(tail, "Library", row.name, row.name, language))
    for file in sorted(references, key=_rank):
        for row in references[file]:
            if row.kind == "build_target":
                target = _target(package, file, row)
                declared.facts.append(shown(head, "produces", target.entity, file, _span(row)))
                declared.entities.append(target)
    return declared


def _rank(file: str) -> tuple[int, str]:
    return PYTHON_PRECEDENCE.index(file) if file in PYTHON_PRECEDENCE else len(PYTHON_PRECEDENCE), file


def _dependency_manifests(references: Mapping[str, Sequence[Reference]]) -> list[str]:
    """The one Python manifest that is believed, and every pom.xml: each module of a Maven project has its own."""
    telling = sorted(
        (file for file, rows in references.items() if any(row.kind == "dependency" for row in rows)), key=_rank
    )
    python = [file for file in telling if file in PYTHON_PRECEDENCE]
    return python[:1] + [file for file in telling if file not in PYTHON_PRECEDENCE]


def _target(package: str, file: str, row: Reference) -> Entity:
    """The build target of a row: `target:trio:sdist`, `target:flask:console_script:flask`."""
    parts = [row.name, row.value] if row.value else [row.name]
    return Entity(
        ":".join(["target", package, *parts]),
        "BuildTarget",
        parts[-1],
        ":".join([package, *parts]),
        manifest_language(file),
        package,
        file,
        row.byte_start,
        row.byte_end,
        "",
        "",
        False,
    )


def _span(row: Reference) -> Span:
    return Span(row.byte_start, row.byte_end)
