"""The weighted sum of the objective's terms on one micro-batch, in shares of the whole step."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from graphmer.model.heads import GraphMER, SpanBoundaryHead
from graphmer.model.losses import link_sum, ontology_terms, token_sum
from graphmer.ontology.vocabulary import Ontology
from graphmer.train.config import TERMS, TrainParams
from graphmer.train.micro_batch import MicroBatch

OUT_OF_GROUP = -1.0e4  # a logit that no softmax sees, finite so that padded rows stay finite
Gather = Callable[[Tensor], Tensor]  # (n, D) of one process to (world x n, D) of all, in the order of their ranks


class Objective(torch.nn.Module):
    """Wraps the model so that one forward gives every term: data-parallel wrappers see a single call.

    A term's value is this process's part of the step's mean: the parts of all micro-batches and processes add up to it.
    """

    def __init__(self, model: GraphMER, params: TrainParams, ontology: Ontology, gather: Gather, world: int) -> None:
        super().__init__()
        self.model, self.params, self.gather, self.world = model, params, gather, world
        weights = params.loss
        self.terms = tuple(name for name in TERMS if getattr(weights, name) > 0)
        if not self.terms:
            raise ValueError("loss: expected a weight above 0 for at least one term")
        if weights.sbo > 0:
            self.span = SpanBoundaryHead(model.encoder.params.width, params.max_span)
        relations = sorted(ontology.relations.values(), key=lambda relation: relation.id)
        self.antisymmetric_R: Tensor
        self.acyclic_R: Tensor
        self.register_buffer("antisymmetric_R", torch.tensor([relation.antisymmetric for relation in relations]), False)
        self.register_buffer("acyclic_R", torch.tensor([relation.acyclic for relation in relations]), False)
        self.scores_links = weights.link > 0 or weights.antisymmetry > 0 or weights.acyclicity > 0
        model.freeze_unused(
            tokens=weights.mlm > 0 or weights.mnm > 0 or weights.sbo > 0,
            links=self.scores_links,
            texts=self.scores_links or weights.text_code > 0,
        )

    def forward(self, batch: MicroBatch) -> dict[str, Tensor]:
        """Each term by name (nats), and `backward`: what to differentiate. A term of weight 0 is not computed.

        `backward` is the weighted sum times the number of processes, because data parallelism averages gradients;
        contrastive terms are computed whole by every process, of which each reports its part.
        """
        weights = self.params.loss
        hidden = self.model(batch.batch)
        own = self._token_terms(hidden.reshape(-1, hidden.shape[-1]), batch)
        shared = self._shared_terms(hidden, batch) if self.scores_links or weights.text_code > 0 else {}
        values = {name: {**own, **shared}[name] for name in self.terms}
        total = torch.stack([getattr(weights, name) * value for name, value in values.items()]).sum()
        if len(batch.batch.leaf_relation) == 0 and self.model.encoder.fusion is not None:
            # A gradient of 0, not none: a data-parallel wrapper waits for each weight's.
            total = total + torch.stack([weight.sum() for weight in self.model.encoder.fusion.parameters()]).sum() * 0.0
        values |= {name: shared[name] / self.world for name in self.terms if name in shared}
        return {"backward": total * self.world, **values}

    def _token_terms(self, flat: Tensor, batch: MicroBatch) -> dict[str, Tensor]:
        """Masked tokens, span boundaries, masked names; sums over the own rows."""
        weights, (mlm, sbo, mnm, _, _) = self.params.loss, batch.totals
        terms = {}
        position = {"mlm": batch.mlm_position, "mnm": batch.batch.leaf_position[batch.leaf].reshape(-1)}
        logits = self._logits(flat, {name: at for name, at in position.items() if getattr(weights, name) > 0})
        if weights.mlm > 0:
            terms["mlm"] = token_sum(logits["mlm"], batch.mlm_target, batch.mlm_weight) / mlm
        if weights.sbo > 0:
            state = self.span(flat[batch.span_left], flat[batch.span_right], batch.span_offset)
            spans = self.model.vocabulary_logits(state)
            terms["sbo"] = token_sum(spans, batch.mlm_target, batch.span_weight) / sbo
        if weights.mnm > 0:
            weight = batch.leaf_weight.repeat_interleave(batch.name.shape[1])
            terms["mnm"] = token_sum(logits["mnm"], batch.name.reshape(-1), weight) / mnm
        return terms

    def _logits(self, flat: Tensor, position: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Logits of all at once: each call would leave a gradient as large as the vocabulary's embedding."""
        if not position:
            return {}
        together = self.model.token_logits(flat[torch.cat(list(position.values()))])
        return dict(zip(position, torch.split(together, [len(at) for at in position.values()]), strict=True))

    def _shared_terms(self, hidden: Tensor, batch: MicroBatch) -> dict[str, Tensor]:
        """Terms that compare what all processes have encoded: one pass for all texts, then each kind is gathered."""
        pairs = len(batch.pair_group) // self.world
        keys = len(batch.texts.at) - 2 * pairs
        key, text, code = torch.split(self.model.text_vectors(batch.texts), [keys, pairs, pairs])
        terms = self._link_terms(hidden, self.gather(key), batch) if self.scores_links else {}
        if self.params.loss.text_code > 0:
            terms["text_code"] = self._text_code(self.gather(text), self.gather(code), batch)
        return terms

    def _link_terms(self, hidden: Tensor, key: Tensor, batch: MicroBatch) -> dict[str, Tensor]:
        """The true tail against the keys of its group, and the order that predicted edges must keep."""
        query = self.gather(self.model.leaf_vectors(hidden, batch.batch, batch.leaf))[batch.query_at]
        other = batch.query_group[:, None] != batch.key_group[None, :]
        scores = (query @ key.T) / self.params.loss.temperature
        weight = (batch.query_group >= 0).float()
        total = batch.totals[3]
        terms = {"link": link_sum(scores, batch.target, other | batch.known, weight) / total}
        if "antisymmetry" in self.terms or "acyclicity" in self.terms:
            inside = scores.masked_fill(other, OUT_OF_GROUP)
            order = (self.antisymmetric_R, self.acyclic_R)
            both = ontology_terms(inside, batch.query_relation, batch.query_head, *order, weight > 0)
            terms |= {"antisymmetry": both[0] / total, "acyclicity": both[1] / total}
        return terms

    def _text_code(self, text: Tensor, code: Tensor, batch: MicroBatch) -> Tensor:
        """Each docstring among the functions of its group, and each function among the docstrings."""
        excluded = (batch.pair_group[:, None] != batch.pair_group[None, :]) | batch.twin
        weight = (batch.pair_group >= 0).float()
        target = torch.arange(len(weight), device=weight.device)
        scores = (text @ code.T) / self.params.loss.temperature
        both = link_sum(scores, target, excluded, weight) + link_sum(scores.T, target, excluded, weight)
        return 0.5 * both / batch.totals[4]
