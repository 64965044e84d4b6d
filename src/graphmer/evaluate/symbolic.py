"""All symbolic features of a query's candidates: what code and graph say by counting, no network."""

import numpy as np

from graphmer.evaluate.graph_features import GraphFeatures
from graphmer.evaluate.link_config import LinkParams
from graphmer.evaluate.names import SHAPES
from graphmer.evaluate.package_view import Hole, PackageView
from graphmer.evaluate.queries import BoolArray, FloatArray, IntArray, LinkQueries
from graphmer.evaluate.siblings import LEVELS
from graphmer.evaluate.text_features import TextFeatures
from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.shards import SplitArrays

CLASS_TYPES = ("Class", "Interface", "ExceptionType", "Test")
TYPE_FEATURES = (
    "Module",
    "Class",
    "Interface",
    "Function",
    "Method",
    "Variable",
    "Type",
    "API",
    "ExceptionType",
    "Test",
)
FEATURES = (
    "sibling",
    *(f"sibling_{level}" for level in LEVELS),
    "frequency_any_relation",
    "home_of_siblings",
    "home_of_head",
    "imported",
    "module_imported",
    "ancestor_member",
    "entity_cloze",
    "type_cloze",
    "cloze",
    "cloze_left",
    "cloze_right",
    "cloze_both",
    "cloze_other_holes",
    "shape_cloze",
    "words_in_package",
    "words_in_file",
    "nearest_in_file",
    "mention",
    "mention_near",
    "parts_window",
    "parts_near",
    "container_near",
    "container_receiver",
    "name_of_head",
    "name_of_owner",
    "same_file",
    "same_folder",
    "same_class",
    "same_container",
    "inside_head",
    "external",
    "private",
    "private_elsewhere",
    "dot_member",
    "dot_external",
    "plain_top_level",
    "plain_same_file",
    "plain_imported",
    "self_same_class",
    "self_ancestor_member",
    "call_camel",
    *(f"is_{name.lower()}" for name in TYPE_FEATURES),
)
PRIVATE, CAMEL = SHAPES.index("_private"), SHAPES.index("Camel")
COLUMN = {name: index for index, name in enumerate(FEATURES)}


class SymbolicFeatures:
    """The feature matrix of one package's queries, one query at a time."""

    def __init__(self, view: PackageView, arrays: SplitArrays, params: LinkParams) -> None:
        self._view, self._arrays = view, arrays
        self._text = TextFeatures(view, arrays.words, params)
        self._graph = GraphFeatures(view, self._text, params)
        self._types = self._type_columns()
        class_ids = [load_ontology().type_id(name) for name in CLASS_TYPES]
        self._is_class = np.isin(view.entities.type_id, class_ids)
        home = view.entities.container_entity
        self._is_member = (home >= 0) & self._is_class[home]
        self._selves = [index for index, word in enumerate(arrays.words) if word in ("self", "cls", "this", "super")]

    def _type_columns(self) -> dict[str, FloatArray]:
        ontology, type_id = load_ontology(), self._view.entities.type_id
        return {f"is_{name.lower()}": (type_id == ontology.type_id(name)).astype(np.float32) for name in TYPE_FEATURES}

    def matrix(self, queries: LinkQueries, query: int, hole: Hole) -> FloatArray:
        """(P, F) float32 raw features of a query's candidates, columns as in FEATURES."""
        pool = self._view.entities.local(queries.candidates(query))
        columns = self._text.columns(hole) | self._graph.columns(hole, pool) | self._types
        columns |= self._places(hole)
        columns |= self._similar_names(hole)
        columns |= self._at_the_hole(hole, columns)
        # Feature by feature in memory, as they are made; read as candidates by features.
        matrix = np.empty((len(FEATURES), len(pool)), np.float32)
        for index, name in enumerate(FEATURES):
            matrix[index] = columns[name][pool]
        return matrix.T

    def hidden_support(self, hole: Hole) -> BoolArray:
        """(S,) support triples that no feature of this hole uses."""
        return self._graph.hidden(hole)

    def _places(self, hole: Hole) -> dict[str, FloatArray]:
        """Where a candidate lives, seen from the head."""
        entities = self._view.entities
        same_file = (entities.file == entities.file[hole.head]) & (entities.file >= 0)
        private = entities.shape == PRIVATE
        flags = {
            "same_file": same_file,
            "same_folder": (entities.folder == entities.folder[hole.head]) & (entities.folder >= 0),
            "same_class": (entities.container_entity == self._class_of(hole.head)) & (entities.container_entity >= 0),
            "same_container": (entities.container == entities.container[hole.head]) & (entities.container >= 0),
            "inside_head": entities.container_entity == hole.head,
            "external": entities.external,
            "private": private,
            "private_elsewhere": private & ~same_file,
        }
        return {name: flag.astype(np.float32) for name, flag in flags.items()}

    def _class_of(self, head: int) -> int:
        """The class that holds the head, through nested functions; -1 where none does."""
        home = int(self._view.entities.container_entity[head])
        while home >= 0 and not self._is_class[home]:
            home = int(self._view.entities.container_entity[home])
        return home

    def _similar_names(self, hole: Hole) -> dict[str, FloatArray]:
        """Subtokens shared with the head's and its owner's names; a name that is hidden says nothing."""
        entities = self._view.entities
        columns = {}
        for feature, entity in (
            ("name_of_head", hole.head),
            ("name_of_owner", int(entities.container_entity[hole.head])),
        ):
            secret = entities.name[entity] in entities.label_of[hole.hidden]
            if entity < 0 or secret:
                columns[feature] = np.zeros(len(entities.rows), np.float32)
                continue
            low, high = entities.parts.indptr[entity : entity + 2]
            present = np.zeros(entities.parts.shape[1], np.float32)
            present[entities.parts.indices[low:high]] = 1
            columns[feature] = entities.parts.dot(present)
        return columns

    def _at_the_hole(self, hole: Hole, columns: dict[str, FloatArray]) -> dict[str, FloatArray]:
        """What the marks around the hole say of the kind of name that fits."""
        stream, entities = self._view.stream, self._view.entities
        after_dot = bool(stream.token[hole.start - 1] == stream.marks.dot)
        called = bool(stream.token[hole.end + 1] == stream.marks.opening)
        receiver = self._text.receiver(hole)
        on_self = len(receiver) > 0 and int(stream.token[receiver[0]]) in self._selves

        def when(condition: bool, flags: FloatArray | BoolArray) -> FloatArray:
            return (flags * np.float32(condition)).astype(np.float32)

        return {
            "dot_member": when(after_dot, self._is_member),
            "dot_external": when(after_dot, columns["external"]),
            "plain_top_level": when(not after_dot, ~self._is_member),
            "plain_same_file": when(not after_dot, columns["same_file"]),
            "plain_imported": when(not after_dot, columns["imported"]),
            "self_same_class": when(on_self, columns["same_class"]),
            "self_ancestor_member": when(on_self, columns["ancestor_member"]),
            "call_camel": when(called, entities.shape == CAMEL),
        }


def column(matrix: FloatArray, name: str) -> FloatArray:
    """(P,) one feature of a (P, F) matrix."""
    values: FloatArray = matrix[:, COLUMN[name]]
    return values


def matching_rows(view: PackageView, queries: LinkQueries) -> IntArray:
    """Queries whose pool is of a package."""
    prefix = f"{view.package}:"
    return np.asarray([index for index, key in enumerate(queries.pool) if key.startswith(prefix)], np.int64)
