"""The ontology as typed values; ontology.yaml beside this file is its one home."""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import yaml

from graphmer.errors import OntologyError

SOURCES = ("static_analysis", "ml_extraction", "manual_curation")
RESOLUTIONS = ("exact", "inferred", "ambiguous", "external")
CALL_RELATIONS = ("calls", "invokes", "instantiates")


@dataclass(frozen=True)
class Relation:
    """One relation: which types it joins, and what must hold of its triples."""

    name: str
    id: int
    domain: frozenset[str]
    range: frozenset[str]
    inverse: str | None = None
    derived: bool = False
    structural: bool = False
    acyclic: bool = False
    antisymmetric: bool = False
    functional: bool = False
    max_per_head: int | None = None
    max_per_head_by_language: Mapping[str, Mapping[str, int]] | None = None

    def allows(self, head_type: str, tail_type: str) -> bool:
        """Whether the ontology lets this relation join these entity types."""
        return head_type in self.domain and tail_type in self.range

    def limit(self, language: str, head_type: str) -> int | None:
        """How many tails a head of this language and type may have, candidates left out; None: any number."""
        by_type = (self.max_per_head_by_language or {}).get(language, {})
        limits = (1 if self.functional else None, self.max_per_head, by_type.get(head_type))
        return min((one for one in limits if one is not None), default=None)


@dataclass(frozen=True)
class Ontology:
    """Entity types by id and relations by name."""

    version: str
    entity_types: tuple[str, ...]
    relations: Mapping[str, Relation]

    @property
    def stored_relations(self) -> tuple[str, ...]:
        """Relations that a graph stores, by id; inverses are derived where they are needed."""
        return tuple(name for name, relation in self.relations.items() if not relation.derived)

    @property
    def relation_names(self) -> tuple[str, ...]:
        """All relation names in the order of their ids."""
        return tuple(self.relations)

    def type_id(self, entity_type: str) -> int:
        """Id of an entity type."""
        return self.entity_types.index(entity_type)


def parse_ontology(tree: Any, where: str) -> Ontology:
    """Check a parsed ontology.yaml and build it.

    Raises OntologyError that names the key: schema violations, unknown types, ids that are not 0..n-1, and
    inverses that do not answer each other.
    """
    import jsonschema

    schema = json.loads(files("graphmer.ontology").joinpath("ontology.schema.json").read_text("utf-8"))
    error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(tree))
    if error is not None:
        raise OntologyError(f"{where}: {'.'.join(map(str, error.absolute_path)) or 'top level'}: {error.message}")
    types = tuple(sorted(tree["entity_types"], key=lambda name: tree["entity_types"][name]["id"]))
    _check_ids({name: spec["id"] for name, spec in tree["entity_types"].items()}, f"{where}: entity_types")
    _check_ids({name: spec["id"] for name, spec in tree["relations"].items()}, f"{where}: relations")
    relations = {
        name: Relation(name=name, **{**spec, "domain": frozenset(spec["domain"]), "range": frozenset(spec["range"])})
        for name, spec in sorted(tree["relations"].items(), key=lambda item: item[1]["id"])
    }
    for relation in relations.values():
        _check_relation(relation, relations, types, where)
    return Ontology(version=tree["version"], entity_types=types, relations=relations)


def _check_ids(ids: Mapping[str, int], where: str) -> None:
    if sorted(ids.values()) != list(range(len(ids))):
        raise OntologyError(f"{where}: ids must be 0 to {len(ids) - 1}, each once; ids are append-only")


def _check_relation(relation: Relation, relations: Mapping[str, Relation], types: tuple[str, ...], where: str) -> None:
    unknown = sorted((relation.domain | relation.range) - set(types))
    if unknown:
        raise OntologyError(f"{where}: relations.{relation.name}: unknown entity type {unknown[0]}")
    if relation.inverse is not None:
        other = relations.get(relation.inverse)
        if other is None or other.inverse != relation.name:
            raise OntologyError(f"{where}: relations.{relation.name}: inverse {relation.inverse} must name it back")
        if relation.derived == other.derived:
            raise OntologyError(f"{where}: relations.{relation.name}: one of it and {other.name} must be derived")


@functools.cache
def load_ontology() -> Ontology:
    """The project's ontology, read once a process."""
    path = files("graphmer.ontology").joinpath("ontology.yaml")
    return parse_ontology(yaml.safe_load(path.read_text("utf-8")), "ontology.yaml")
