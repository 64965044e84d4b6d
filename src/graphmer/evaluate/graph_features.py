"""Features that the support triples give: siblings, imports, base classes, and what stood in the same contexts."""

import numpy as np

from graphmer.evaluate.cloze import BOTH, REACH, ContextIndex
from graphmer.evaluate.link_config import LinkParams
from graphmer.evaluate.package_entities import OTHER_NAME
from graphmer.evaluate.package_view import Hole, PackageView
from graphmer.evaluate.queries import BoolArray, FloatArray, IntArray
from graphmer.evaluate.siblings import LEVELS, SiblingCounts
from graphmer.evaluate.text_features import TextFeatures
from graphmer.ontology.vocabulary import load_ontology

MAX_ANCESTRY = 8  # levels of base classes that are followed


class GraphFeatures:
    """Columns over all entities of one package, for one hole at a time."""

    def __init__(self, view: PackageView, text: TextFeatures, params: LinkParams) -> None:
        self._view, self._text, self._params = view, text, params
        relations = load_ontology().relations
        support, stream = view.support, view.stream
        self._siblings = SiblingCounts(view.entities, support, params.sibling_prior)
        self._imports = np.flatnonzero(support.relation == relations["imports"].id)
        bases = [relations["inherits_from"].id, relations["implements"].id]
        self._bases = np.flatnonzero(np.isin(support.relation, bases))
        self._shown = np.flatnonzero(support.position >= REACH)
        place = support.position[self._shown]
        self._sample_of_shown = stream.sample[place]
        self._entities_at = ContextIndex(stream.token, place, place, support.tail[self._shown], BOTH)
        types = view.entities.type_id[support.tail[self._shown]]
        self._types_at = ContextIndex(stream.token, place, place, types, BOTH)

    def columns(self, hole: Hole, pool: IntArray) -> dict[str, FloatArray]:
        """{feature: (E,) float32}; `pool` only sets what the sibling probabilities sum over."""
        hidden = self.hidden(hole)
        counts = self._siblings.by_level(hole.head, hole.relation, hidden)
        anywhere = self._siblings.any_relation(hidden)
        sibling = np.full(len(anywhere), -20.0, np.float32)
        sibling[pool] = np.log(self._siblings.interpolated(counts, anywhere, pool))
        columns = {f"sibling_{level}": np.log1p(counts[level]) for level in LEVELS}
        columns |= {"sibling": sibling, "frequency_any_relation": np.log1p(anywhere)}
        columns |= self._homes(hole, hidden)
        columns |= self._imported(hole, hidden)
        columns["ancestor_member"] = self._ancestor_members(hole, hidden)
        columns |= self._in_context(hole, hidden, anywhere)
        return columns

    def hidden(self, hole: Hole) -> BoolArray:
        """(S,) triples that no feature may use.

        Those between head and tail; those that the same mention shows (a constructor call instantiates the class and
        calls its `__init__`); and the file's imports of a hidden name.
        """
        entities, support = self._view.entities, self._view.support
        hidden: BoolArray = support.between(hole.head, hole.tail) | (support.position == hole.start)
        imports = self._imports[entities.file[support.head[self._imports]] == entities.file[hole.head]]
        names = entities.label_of[hole.imported]
        secret = np.isin(entities.name[support.tail[imports]], names[names != OTHER_NAME])
        hidden[imports[secret]] = True
        return hidden

    def _homes(self, hole: Hole, hidden: BoolArray) -> dict[str, FloatArray]:
        """How many tails of the siblings in the file, and of the head itself, live where a candidate lives."""
        support = self._view.support
        siblings = self._siblings.rows("file", hole.head, hole.relation, hidden)
        own = np.flatnonzero((support.head == hole.head) & ~hidden)
        return {
            "home_of_siblings": self._living_with(support.tail[siblings]),
            "home_of_head": self._living_with(support.tail[own]),
        }

    def _living_with(self, tails: IntArray) -> FloatArray:
        container = self._view.entities.container
        homes = container[tails]
        counts = np.bincount(homes[homes >= 0], minlength=int(container.max(initial=0)) + 1)
        return np.where(container >= 0, np.log1p(counts[container]), 0).astype(np.float32)

    def _imported(self, hole: Hole, hidden: BoolArray) -> dict[str, FloatArray]:
        """Whether the head's file imports a candidate, or its module."""
        entities, support = self._view.entities, self._view.support
        rows = self._imports[~hidden[self._imports]]
        rows = rows[entities.file[support.head[rows]] == entities.file[hole.head]]
        tails = support.tail[rows]
        by_name, by_module = np.zeros(len(entities.rows), np.float32), np.zeros(len(entities.rows), np.float32)
        by_name[tails] = 1
        modules = entities.file[tails]
        by_module[np.isin(entities.file, modules[modules >= 0])] = 1
        homes = entities.container[tails]
        by_module[np.isin(entities.container, homes[homes >= 0])] = 1
        return {"imported": by_name, "module_imported": by_module}

    def _ancestor_members(self, hole: Hole, hidden: BoolArray) -> FloatArray:
        """Whether a candidate is a member of a base class of the head's class."""
        entities, support = self._view.entities, self._view.support
        edges = self._bases[~hidden[self._bases]]
        head, tail = support.head[edges], support.tail[edges]
        home = entities.container_entity[hole.head]
        reached = np.unique(np.asarray([hole.head, *([home] if home >= 0 else [])]))
        for _ in range(MAX_ANCESTRY):
            wider = np.union1d(reached, tail[np.isin(head, reached)])
            if len(wider) == len(reached):
                break
            reached = wider
        bases = np.setdiff1d(reached, [hole.head, home])
        return np.isin(entities.container_entity, bases).astype(np.float32)

    def _in_context(self, hole: Hole, hidden: BoolArray, anywhere: FloatArray) -> dict[str, FloatArray]:
        """Which entities, and which types, the support shows in the hole's contexts outside its window."""
        sample = self._view.stream.sample[hole.start]
        without = np.flatnonzero(hidden[self._shown] | (self._sample_of_shown == sample))
        keys = self._text.keys(hole, hole.start, hole.end)
        base = (anywhere + np.float32(0.1)) / np.float32(anywhere.sum() + 0.1 * len(anywhere))
        entity = self._entities_at.backed_off(BOTH, keys, base, without, self._params.cloze_prior)
        num_types = len(load_ontology().entity_types)
        flat = np.full(num_types, 1 / num_types, np.float32)
        kind = self._types_at.backed_off(BOTH, keys, flat, without, self._params.cloze_prior)
        types = np.log(kind).astype(np.float32)[self._view.entities.type_id]
        return {"entity_cloze": np.log(entity), "type_cloze": types}
