"""Features that a package's code gives without its graph: cloze n-grams, mentions, shared subtokens."""

from collections.abc import Mapping, Sequence

import numpy as np

from graphmer.evaluate.cloze import BOTH, LEFT, ORDERS, REACH, RIGHT, ContextIndex, Order, keys_around
from graphmer.evaluate.link_config import LinkParams
from graphmer.evaluate.names import SHAPES, shape
from graphmer.evaluate.package_view import NONE, Hole, PackageView
from graphmer.evaluate.queries import FloatArray, IntArray

SHAPE_ORDERS = (Order(1, 0), Order(1, 1), Order(2, 1))
FAR_TOKENS = 100_000.0  # stands for the distance of a name that the file does not show
FLOOR = np.float32(1e-9)


class TextFeatures:
    """Columns over all entities of one package, for one hole at a time."""

    def __init__(self, view: PackageView, words: Sequence[str], params: LinkParams) -> None:
        self._view, self._params = view, params
        stream, entities = view.stream, view.entities
        places = np.flatnonzero(stream.is_word)
        self._row_of = np.full(len(stream.token), -1, np.int64)
        self._row_of[places] = np.arange(len(places))
        self._blocked = np.zeros(len(stream.token), np.bool_)  # scratch: set and cleared a query
        self._label = entities.label_of[stream.token]
        self._names = ContextIndex(stream.token, places, places, self._label[places], ORDERS)
        shapes = np.asarray([shape(word) for word in words], np.int64)
        self._shapes = ContextIndex(stream.token, places, places, shapes[stream.token[places]], SHAPE_ORDERS)
        self._count = np.bincount(self._label[places], minlength=entities.num_labels).astype(np.float32)
        self._file_places = {file: places[stream.file[places] == file] for file in range(len(stream.files))}

    def columns(self, hole: Hole) -> dict[str, FloatArray]:
        """{feature: (E,) float32}."""
        elsewhere, in_file, near = self._counts_outside(hole)
        columns = self._cloze(hole, elsewhere, in_file)
        columns["words_in_package"] = self._by_name(np.log1p(elsewhere))
        columns["words_in_file"] = self._by_name(np.log1p(in_file))
        columns["nearest_in_file"] = self._by_name(-np.log1p(near))
        columns |= self._mentions(hole)
        columns |= self._shared_parts(hole)
        return columns

    def keys(self, hole: Hole, start: int, end: int) -> dict[Order, int]:
        """Context keys of every order around a hole, hidden words blanked."""
        stream = self._view.stream
        left = stream.context(start, hole.hidden, REACH)[: REACH + 1]
        right = stream.context(end, hole.hidden, REACH)[REACH:]
        return keys_around([*left.tolist(), *right.tolist()])

    def _by_name(self, values: FloatArray) -> FloatArray:
        """(E,) the better of a name's value and its shown word's."""
        entities = self._view.entities
        return np.maximum(values[entities.name], values[entities.shown]).astype(np.float32)

    def _counts_outside(self, hole: Hole) -> tuple[FloatArray, FloatArray, FloatArray]:
        """(labels,) counts in the package and in the file outside the window, and the distance to the nearest."""
        size = self._view.entities.num_labels
        unseen = hole.unseen[self._row_of[hole.unseen] >= 0]
        elsewhere = self._count - np.bincount(self._label[unseen], minlength=size).astype(np.float32)
        self._blocked[unseen] = True
        places = self._file_places[hole.file]
        places = places[~self._blocked[places]]
        self._blocked[unseen] = False
        labels = self._label[places]
        in_file = np.bincount(labels, minlength=size).astype(np.float32)
        near = np.full(size, FAR_TOKENS, np.float32)
        np.minimum.at(near, labels, np.abs(places - hole.start).astype(np.float32))
        elsewhere[0] = in_file[0] = 0
        near[0] = FAR_TOKENS
        return elsewhere, in_file, near

    def _cloze(self, hole: Hole, elsewhere: FloatArray, in_file: FloatArray) -> dict[str, FloatArray]:
        share = np.float32(self._params.file_cache)
        smoothed, cached = elsewhere + np.float32(0.5), in_file + np.float32(0.1)
        base = (1 - share) * smoothed / smoothed.sum() + share * cached / cached.sum()
        without = self._row_of[hole.unseen]
        without = without[without >= 0]
        keys = self.keys(hole, hole.start, hole.end)
        logs = {
            name: self._log_fit(keys, chain, base, without)
            for name, chain in (("left", LEFT), ("right", RIGHT), ("both", BOTH))
        }
        others = np.zeros_like(base)
        nearest = np.argsort(np.abs(hole.others - hole.start), kind="stable")[: self._params.max_holes]
        for place in hole.others[nearest].tolist():
            others += self._log_fit(self.keys(hole, place, place), BOTH, base, without) - np.log(base)
        columns = {f"cloze_{name}": self._by_name(values) for name, values in logs.items()}
        columns["cloze_other_holes"] = self._by_name(others)
        columns["cloze"] = self._by_name(logs["both"] + others)
        columns["shape_cloze"] = self._shape_fit(keys, without)
        return columns

    def _log_fit(
        self, keys: Mapping[Order, int], chain: Sequence[Order], base: FloatArray, without: IntArray
    ) -> FloatArray:
        fit: FloatArray = np.log(self._names.backed_off(chain, keys, base, without, self._params.cloze_prior))
        return fit

    def _shape_fit(self, keys: Mapping[Order, int], without: IntArray) -> FloatArray:
        base = np.full(len(SHAPES), 1 / len(SHAPES), np.float32)
        fit = self._shapes.backed_off(SHAPE_ORDERS, keys, base, without, self._params.cloze_prior)
        by_entity: FloatArray = np.log(fit + FLOOR)[self._view.entities.shape].astype(np.float32)
        return by_entity

    def _mentions(self, hole: Hole) -> dict[str, FloatArray]:
        """Whether the window shows a candidate's name, and how near to the hole."""
        places = hole.visible[self._row_of[hole.visible] >= 0]
        near = np.zeros(self._view.entities.num_labels, np.float32)
        closeness = 1 / (1 + np.log1p(np.abs(places - hole.start)))
        np.maximum.at(near, self._label[places], closeness.astype(np.float32))
        near[0] = 0
        nearness = self._by_name(near)
        return {"mention": (nearness > 0).astype(np.float32), "mention_near": nearness}

    def _shared_parts(self, hole: Hole) -> dict[str, FloatArray]:
        """Shares of a candidate's subtokens that the window, the hole's surroundings and its receiver show."""
        entities = self._view.entities
        near = hole.visible[np.abs(hole.visible - hole.start) <= self._params.near_tokens]
        window, around = self._parts_at(hole.visible), self._parts_at(near)
        receiver = self._parts_at(self.receiver(hole))
        return {
            "parts_window": entities.parts.dot(window),
            "parts_near": entities.parts.dot(around),
            "container_near": entities.container_parts.dot(around),
            "container_receiver": entities.container_parts.dot(receiver),
        }

    def _parts_at(self, places: IntArray) -> FloatArray:
        """(S,) 0/1 subtokens of the words at some positions."""
        stream, table = self._view.stream, self._view.entities.part_of_word
        words = stream.token[places]
        words = words[words < stream.num_words]
        starts, sizes = table.indptr[words], table.indptr[words + 1] - table.indptr[words]
        # The rows of a sparse matrix one after another: indexing it by rows costs ten times as much.
        within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        present = np.zeros(table.shape[1], np.float32)
        present[table.indices[np.repeat(starts, sizes) + within]] = 1
        return present

    def receiver(self, hole: Hole) -> IntArray:
        """Position of the word before the hole's dot, if it is one and not hidden; else none."""
        stream, place = self._view.stream, hole.start - 2
        token = stream.token[place]
        if stream.token[hole.start - 1] != stream.marks.dot or token >= stream.num_words or token in hole.hidden:
            return NONE
        return np.asarray([place])
