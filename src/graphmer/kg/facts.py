"""What resolvers hand to the builder: facts, external entities, entity types and counts, one package at a time."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, Protocol

from graphmer.corpus.parse.records import Reference, Symbol


class Fact(NamedTuple):
    """One triple with the place that shows it; licence, version and split come from the file."""

    head: str
    relation: str
    tail: str
    file: str
    byte_start: int
    byte_end: int
    resolution: str  # exact, inferred, ambiguous, external
    confidence: float


# Fact(*row), less a frame of Python for each.
fact_of: Callable[[tuple[str | int | float, ...]], Fact] = partial(tuple.__new__, Fact)


class ExternalEntity(NamedTuple):
    """An entity that the package uses and does not define."""

    entity: str
    type: str
    name: str
    qualified_name: str
    language: str


class SourceFile(NamedTuple):
    """One parsed file of a package."""

    file: str
    module: str
    is_test: bool
    symbols: list[Symbol]
    references: list[Reference]


@dataclass(frozen=True)
class PackageFacts:
    """One package's files of one language, sorted by path."""

    package: str
    language: str
    files: list[SourceFile]


@dataclass
class Resolved:
    """What one resolver found in one package."""

    facts: list[Fact] = field(default_factory=list)
    externals: dict[str, ExternalEntity] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)  # definition symbol -> entity type; absent: not an entity
    calls: Counter[str] = field(default_factory=Counter)  # seen, exact, inferred, ambiguous, external, unresolved


class Overlay(Protocol):
    """Knowledge from outside that corrects what a resolver found, before the graph is joined."""

    def __call__(self, package: PackageFacts, resolved: Resolved) -> Counter[str]:
        """Change `resolved` in place; returns what was done, counted by its name."""
