"""One epoch of training rows: which samples are shown, with which leaves, in which rows, and which rows meet."""

from dataclasses import dataclass, fields

import numpy as np

from graphmer.pack.controls import GraphForm, shown_graph
from graphmer.pack.draw import LeafDraw, Selection, draw_leaves
from graphmer.pack.rows import Rows, assemble
from graphmer.pack.shards import BoolArray, EntityArrays, LongArray, SplitArrays
from graphmer.train.config import CurriculumStage, TrainParams

FULL = CurriculumStage(until=1.0, divisor=1, leaf_share=1.0)


@dataclass(frozen=True)
class Epoch:
    """groups: (G, link_rows) of the rows, whose queries and keys meet; of one package where it has enough."""

    rows: Rows
    groups: LongArray


class EpochLayout:
    """Lays out any epoch of any stage of the curriculum, keyed by (seed, stage, epoch) alone."""

    def __init__(
        self,
        split: SplitArrays,
        entities: EntityArrays,
        package: LongArray,
        params: TrainParams,
        form: GraphForm = "intact",
    ) -> None:
        self.graph = shown_graph(split, form)
        self.split, self.entities, self.package, self.params = split, entities, package, params
        self.stages = (*params.curriculum, FULL)
        self.is_document: BoolArray = (split.samples["kind"] == "document").to_numpy()

    def first_step(self, stage: int) -> int:
        """The step, counted from 0, at which a stage of the curriculum begins."""
        return 0 if stage == 0 else int(np.ceil(self.stages[stage - 1].until * self.params.steps))

    def stage_of(self, step: int) -> int:
        """The stage that a step belongs to."""
        return max(stage for stage in range(len(self.stages)) if self.first_step(stage) <= step)

    def lay_out(self, stage: int, epoch: int) -> Epoch:
        """The rows of one epoch."""
        rng = np.random.default_rng([self.params.seed, stage, epoch])
        level = self.stages[stage]
        row_length = self.params.row_length // level.divisor
        selection = self._selection(level, rng)
        selection = selection.only(self._fits(selection, level))
        package = self.package[selection.sample]
        parts = [
            assemble(self.split, self.entities, selection.only(package == number), row_length, self.graph)
            for number in range(int(self.package.max()) + 1)
        ]
        rows = concatenate(parts)
        package_of_row = np.repeat(np.arange(len(parts)), [part.num_rows for part in parts])
        # Groups of one package: its other tails are the negatives that link prediction will meet.
        order = np.lexsort((rng.random(rows.num_rows), package_of_row))
        size = self.params.link_rows * level.divisor
        whole = len(order) // size * size
        return Epoch(rows, rng.permutation(order[:whole].reshape(-1, size)))

    def left_out(self) -> list[int]:
        """Samples too long for the rows of each stage of the curriculum, in the stage's first epoch."""
        counts = []
        for stage, level in enumerate(self.params.curriculum):
            selection = self._selection(level, np.random.default_rng([self.params.seed, stage, 0]))
            counts.append(int((~self._fits(selection, level)).sum()))
        return counts

    def _selection(self, level: CurriculumStage, rng: np.random.Generator) -> Selection:
        shown = ~self.is_document | (rng.random(self.split.num_samples) < self.params.document_share)
        return draw_leaves(self.split, np.flatnonzero(shown), self._draw(level), rng)

    def _fits(self, selection: Selection, level: CurriculumStage) -> BoolArray:
        """(I,) whether an instance fits the stage's rows; full rows hold every one, or assemble says which does not."""
        if level.divisor == 1:
            return np.ones(len(selection.sample), np.bool_)
        roots = np.diff(self.split.sample_token)[selection.sample]
        leaves = np.bincount(selection.leaf_instance, minlength=len(roots))
        row_length = self.params.row_length // level.divisor
        fits: BoolArray = roots + leaves * self.entities.name_token.shape[1] <= row_length
        return fits

    def _draw(self, level: CurriculumStage) -> LeafDraw:
        leaves = self.params.leaves
        return LeafDraw(
            max(1, round(leaves.max_leaves * level.leaf_share)),
            leaves.max_leaves_per_anchor,
            leaves.leaf_drop,
            leaves.masked_leaf_share,
            leaves.hide_share,
        )


def concatenate(parts: list[Rows]) -> Rows:
    """Rows of several layouts, one after the other."""
    row = np.cumsum([0, *(part.num_rows for part in parts[:-1])])
    instance = np.cumsum([0, *(len(part.instance_row) for part in parts[:-1])])
    shift = {"leaf_row": row, "edge_row": row, "instance_row": row, "leaf_instance": instance}
    joined = {}
    for field in fields(Rows):
        arrays = [getattr(part, field.name) for part in parts]
        if field.name in shift:
            arrays = [array + offset for array, offset in zip(arrays, shift[field.name].tolist(), strict=True)]
        joined[field.name] = np.concatenate(arrays)
    return Rows(**joined)
