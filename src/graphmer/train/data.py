"""The stream of training steps: an epoch's layout, batches of one package, masks, keys and negatives."""

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from graphmer.errors import TrainingError
from graphmer.model.batch import Batch, rows_batch
from graphmer.model.config import Vocabulary
from graphmer.ontology.vocabulary import Ontology
from graphmer.pack.draw import LeafDraw, draw_leaves
from graphmer.pack.rows import Rows, assemble
from graphmer.pack.shards import EntityArrays, LongArray, SplitArrays
from graphmer.train.config import TrainParams
from graphmer.train.masking import MaskRule, mask_roots
from graphmer.train.negatives import Negatives


@dataclass
class Step:
    """One optimiser step's inputs: B rows, M masked slots a row, Q masked leaves, K keys.

    mlm_position: (B x M,) flat; mlm_target, mlm_weight. leaf: (Q,) masked leaves of the batch; name: (Q, P) their
    names' tokens. key_token: (K, T). key_target: (Q,) index of each leaf's key; known: (Q, K) other true tails.
    """

    batch: Batch
    mlm_position: Tensor
    mlm_target: Tensor
    mlm_weight: Tensor
    leaf: Tensor
    name: Tensor
    key_token: Tensor
    key_target: Tensor
    known: Tensor

    def to(self, device: torch.device) -> "Step":
        """The same step on a device."""
        return Step(**{field.name: getattr(self, field.name).to(device) for field in fields(self)})


class TrainStream:
    """Steps of a split, keyed by (seed, epoch, step): the same in every process."""

    def __init__(
        self,
        split: SplitArrays,
        entities: EntityArrays,
        ontology: Ontology,
        vocabulary: Vocabulary,
        params: TrainParams,
    ) -> None:
        self.split, self.entities, self.vocabulary, self.params = split, entities, vocabulary, params
        leaves = params.leaves
        self.draw = LeafDraw(
            leaves.max_leaves,
            leaves.max_leaves_per_anchor,
            leaves.leaf_drop,
            leaves.masked_leaf_share,
            leaves.hide_share,
        )
        self.rule = MaskRule(params.mask_share, params.span_end, params.max_span, vocabulary.tokens)
        names, package = np.unique(split.samples["package"].to_numpy(dtype=object), return_inverse=True)
        self.package = package.astype(np.int64)
        self.is_document = (split.samples["kind"] == "document").to_numpy()
        self.negatives = Negatives(split, entities, ontology, [str(name) for name in names], self.package)
        self.epoch = -1
        self.rows: Rows
        self.batches: LongArray
        self._lay_out(0)
        self.steps_per_epoch = len(self.batches)
        if len(self.batches) == 0:
            raise TrainingError(
                f"train split: {self.rows.num_rows} rows do not fill one batch of {params.rows}; "
                "lower train.rows or add train packages"
            )

    def _lay_out(self, epoch: int) -> None:
        rng = np.random.default_rng([self.params.seed, epoch])
        shown = ~self.is_document | (rng.random(self.split.num_samples) < self.params.document_share)
        selection = draw_leaves(self.split, np.flatnonzero(shown), self.draw, rng)
        package = self.package[selection.sample]
        parts = [
            assemble(self.split, self.entities, selection.only(package == number), self.params.row_length)
            for number in range(int(self.package.max()) + 1)
        ]
        self.rows = _concatenate(parts)
        package_of_row = np.repeat(np.arange(len(parts)), [part.num_rows for part in parts])
        # Batches of one package: its other tails are the negatives that link prediction will meet.
        order = np.lexsort((rng.random(self.rows.num_rows), package_of_row))
        whole = len(order) // self.params.rows * self.params.rows
        self.batches = rng.permutation(order[:whole].reshape(-1, self.params.rows))
        self.epoch = epoch

    def step(self, number: int) -> Step:
        """Inputs of one optimiser step, counted from 0."""
        epoch, place = divmod(number, self.steps_per_epoch)
        if epoch != self.epoch:
            self._lay_out(epoch)
        # Another epoch's draw may fill a batch more or less than the first's.
        chosen = self.batches[place % len(self.batches)]
        return self._build(chosen, np.random.default_rng([self.params.seed, epoch, 2, place]))

    def _build(self, chosen: LongArray, rng: np.random.Generator) -> Step:
        rows, vocabulary = self.rows, self.vocabulary
        grids = rows.token[chosen], rows.slot[chosen], rows.first[chosen], rows.document[chosen]
        masked = mask_roots(*grids, self.rule, rng)
        batch, leaves = rows_batch(rows, chosen, vocabulary.relations, vocabulary.name_slots)
        batch.token = torch.from_numpy(masked.token)
        base = np.arange(len(chosen))[:, None] * rows.token.shape[1]
        inside = np.flatnonzero(rows.leaf_masked[leaves])
        source = rows.leaf_source[leaves[inside]].astype(np.int64)
        tail = self.split.leaf_tail[source].astype(np.int64)
        keys, target, known = self.negatives.keys(source, rng, self.params.negatives, np.zeros(0, np.int64))
        return Step(
            batch=batch,
            mlm_position=torch.from_numpy((masked.position + base).ravel()),
            mlm_target=torch.from_numpy(masked.target.ravel()),
            mlm_weight=torch.from_numpy(masked.weight.ravel()),
            leaf=torch.from_numpy(inside),
            name=torch.from_numpy(self.entities.name_token[tail].astype(np.int64)),
            key_token=torch.from_numpy(self.entities.key_token[keys].astype(np.int64)),
            key_target=torch.from_numpy(target),
            known=torch.from_numpy(known),
        )


def _concatenate(parts: list[Rows]) -> Rows:
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
