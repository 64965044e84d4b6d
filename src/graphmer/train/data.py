"""The stream of training steps: every process draws the same numbers and takes its own rows."""

from collections.abc import Iterator
from threading import Thread

import numpy as np

from graphmer.errors import TrainingError
from graphmer.model.batch import power_of_two, static_sizes
from graphmer.model.config import Vocabulary
from graphmer.ontology.vocabulary import Ontology
from graphmer.pack.controls import GraphForm
from graphmer.pack.shards import EntityArrays, SplitArrays
from graphmer.train.config import TrainParams
from graphmer.train.deal import Dealer, FixedSizes, Step
from graphmer.train.epoch import Epoch, EpochLayout
from graphmer.train.groups import GroupBuilder
from graphmer.train.masking import MaskRule, mask_roots
from graphmer.train.micro_batch import MicroBatch, Share
from graphmer.train.negatives import Negatives


class _Coming(Thread):
    """The next epoch on its way. A daemon: whoever ends before it is needed need not wait for it."""

    def __init__(self, layout: EpochLayout, stage: int, epoch: int) -> None:
        super().__init__(daemon=True)
        self.layout, self.number = layout, (stage, epoch)
        self._epoch: Epoch | None = None
        self.start()

    def run(self) -> None:
        """Lay it out."""
        self._epoch = self.layout.lay_out(*self.number)

    def laid_out(self) -> Epoch:
        """The epoch, once it is there; where the thread failed it is laid out anew, and the error raised, here."""
        self.join()
        return self._epoch or self.layout.lay_out(*self.number)


class TrainStream:
    """Steps of a split, keyed by (seed, step): the same whatever the processes and micro-batches."""

    def __init__(
        self,
        split: SplitArrays,
        entities: EntityArrays,
        ontology: Ontology,
        vocabulary: Vocabulary,
        params: TrainParams,
        is_static: bool = False,
        form: GraphForm = "intact",
    ) -> None:
        """is_static: give every tensor a shape that stays the same for a whole epoch, as XLA wants it.

        form: of the graph that is shown beside the code.
        Raises TrainingError where the split does not fill one step.
        """
        self.split, self.vocabulary, self.params, self.is_static = split, vocabulary, params, is_static
        self.rule = MaskRule(params.mask_share, params.span_end, params.max_span, vocabulary.tokens)
        names, codes = np.unique(split.samples["package"].to_numpy(dtype=object), return_inverse=True)
        package = codes.astype(np.int64)
        negatives = Negatives(split, entities, ontology, [str(name) for name in names], package)
        self.groups = GroupBuilder(split, negatives, ontology, params)
        self.layout = EpochLayout(split, entities, package, params, form)
        self.dealer = Dealer(split, entities, vocabulary)
        self.steps_in_epoch: dict[int, int] = {}
        self._current = (-1, -1)
        self._epoch: Epoch
        self._sizes: FixedSizes | None
        self._widest: dict[int, FixedSizes] = {}
        self._is_ahead = False
        self._coming: _Coming | None = None
        if params.loss.text_code > 0 and len(split.pair_sample) < params.text_code.pairs:
            raise TrainingError(
                f"train split: {len(split.pair_sample)} documented functions, train.text_code.pairs wants "
                f"{params.text_code.pairs}; lower it, or set train.loss.text_code=0.0"
            )
        self._enter(0, 0)

    def micro_batches(self, number: int, share: Share) -> Iterator[MicroBatch]:
        """One process's micro-batches of the optimiser step `number`, counted from 0.

        share.rows x share.world is a multiple of a group's rows and divides the step's (train/device.py sees to it).
        """
        step = self.step(number)
        rows = share.rows * self.layout.stages[self._current[0]].divisor
        for start in range(0, len(step.chosen), rows * share.world):
            yield self.dealer.part(step, start, rows, share)

    def step(self, number: int) -> Step:
        """All of a step: what is masked, who meets whom."""
        stage = self.layout.stage_of(number)
        if stage not in self.steps_in_epoch:
            self._enter(stage, 0)
        epoch, place = divmod(number - self.layout.first_step(stage), self.steps_in_epoch[stage])
        self._enter(stage, epoch)
        rows, groups = self._epoch.rows, self._epoch.groups
        per_step = self.params.rows // self.params.link_rows
        # Another epoch's draw may fill a step more or less than the first's.
        first = place % (len(groups) // per_step) * per_step
        chosen = groups[first : first + per_step]
        flat = chosen.reshape(-1)
        rng = np.random.default_rng([self.params.seed, 2, number])
        masked = mask_roots(rows.token[flat], rows.slot[flat], rows.first[flat], rows.document[flat], self.rule, rng)
        built = [self.groups.build(rows, group, rng) for group in chosen]
        queries = sum(len(group.leaf) for group in built)
        pairs = sum(len(group.text) for group in built)
        weights = [masked.weight.sum(), masked.boundary_weight.sum()]
        totals = np.asarray([*weights, queries * self.vocabulary.name_slots, queries, pairs], np.float32)
        return Step(rows, flat, masked, built, np.maximum(totals, 1.0), self._sizes)

    def _enter(self, stage: int, epoch: int) -> None:
        if self._current == (stage, epoch):
            return
        self._epoch, self._current = self._laid_out(stage, epoch), (stage, epoch)
        per_step = self.params.rows // self.params.link_rows
        whole = len(self._epoch.groups) // per_step
        if whole == 0:
            rows = self.params.rows * self.layout.stages[stage].divisor
            raise TrainingError(
                f"train split: {self._epoch.rows.num_rows} rows do not fill one batch of {rows}; "
                "lower train.rows or add train packages"
            )
        if epoch == 0:
            self.steps_in_epoch[stage] = whole
        self._sizes = self._fixed_sizes(stage) if self.is_static else None
        self._begin_next()

    def lay_out_ahead(self) -> None:
        """From here on lay out each epoch in another thread, while the one before is dealt: a corpus takes a minute."""
        self._is_ahead = True
        self._begin_next()

    def _begin_next(self) -> None:
        coming = self._after(*self._current) if self._is_ahead else None
        self._coming = _Coming(self.layout, *coming) if coming else None

    def _laid_out(self, stage: int, epoch: int) -> Epoch:
        if self._coming and self._coming.number == (stage, epoch):
            return self._coming.laid_out()
        return self.layout.lay_out(stage, epoch)

    def _after(self, stage: int, epoch: int) -> tuple[int, int] | None:
        """The epoch that a run goes on with after this one."""
        first = self.layout.first_step
        is_last = stage + 1 == len(self.layout.stages)
        end = self.params.steps if is_last else first(stage + 1)
        if first(stage) + (epoch + 1) * self.steps_in_epoch[stage] < end:
            return stage, epoch + 1
        return None if is_last else (stage + 1, 0)

    def _fixed_sizes(self, stage: int) -> FixedSizes:
        """Powers of two that never shrink within a stage, so that few epochs outgrow those before and compile again."""
        rows, groups = self._epoch.rows, self._epoch.groups
        masked = np.bincount(rows.leaf_row[rows.leaf_masked], minlength=rows.num_rows)
        negatives = self.params.negatives
        keys = int(masked[groups].sum(axis=1).max()) * (2 + negatives.typed + negatives.hard)
        sizes = FixedSizes(static_sizes(rows), power_of_two(int(masked.max())), power_of_two(keys))
        self._widest[stage] = sizes.at_least(self._widest.get(stage, sizes))
        return self._widest[stage]
