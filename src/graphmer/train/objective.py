"""The weighted sum of the objective's terms on one step."""

import torch
from torch import Tensor

from graphmer.model.batch import plain_batch
from graphmer.model.heads import GraphMER
from graphmer.model.losses import link_loss, token_loss
from graphmer.train.config import LossParams
from graphmer.train.data import Step

TERMS = ("mlm", "mnm", "link")


class Objective(torch.nn.Module):
    """Wraps the model so that one forward gives every term: data-parallel wrappers see a single call."""

    def __init__(self, model: GraphMER, weights: LossParams) -> None:
        super().__init__()
        self.model, self.weights = model, weights

    def forward(self, step: Step) -> dict[str, Tensor]:
        """Each term by name (nats), and their weighted sum as `total`. A term of weight 0 is not computed."""
        hidden = self.model(step.batch)
        flat = hidden.reshape(-1, hidden.shape[-1])
        terms = {"mlm": self._mlm(flat, step)}
        if self.weights.mnm > 0:
            terms["mnm"] = self._mnm(flat, step)
        if self.weights.link > 0:
            terms["link"] = self._link(hidden, step)
        total = torch.stack([getattr(self.weights, name) * value for name, value in terms.items()]).sum()
        return {"total": total, **terms}

    def _mlm(self, flat: Tensor, step: Step) -> Tensor:
        return token_loss(self.model.token_logits(flat[step.mlm_position]), step.mlm_target, step.mlm_weight)

    def _mnm(self, flat: Tensor, step: Step) -> Tensor:
        logits = self.model.token_logits(flat[step.batch.leaf_position[step.leaf]].reshape(-1, flat.shape[-1]))
        target = step.name.reshape(-1)
        return token_loss(logits, target, torch.ones_like(target, dtype=torch.float32))

    def _link(self, hidden: Tensor, step: Step) -> Tensor:
        if len(step.leaf) == 0:  # documents alone: no leaf is masked, so there is no key to encode
            # A gradient of 0, not none, for every weight: a data-parallel wrapper waits for each of them.
            return torch.stack([weight.sum() for weight in self.model.parameters()]).sum() * 0.0
        keys = plain_batch(step.key_token).to(hidden.device)
        key = self.model.text_vectors(self.model(keys), keys)
        query = self.model.leaf_vectors(hidden, step.batch, step.leaf)
        return link_loss(query, key, step.key_target, step.known, self.weights.temperature)
