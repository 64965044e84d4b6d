"""What train_speed.py measures: our model, with each ingredient off in turn, and Hugging Face's BERT of its size."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphmer.model.batch import Batch
from graphmer.model.config import ModelParams, Vocabulary
from graphmer.model.heads import GraphMER
from graphmer.model.losses import token_sum
from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.shards import load_entities, load_split
from graphmer.params import load_section, load_tree
from graphmer.train.config import LossParams, TrainParams
from graphmer.train.data import TrainStream
from graphmer.train.device import gather_rows
from graphmer.train.loop import parameter_groups
from graphmer.train.micro_batch import MicroBatch, Share
from graphmer.train.objective import Objective
from graphmer.train.profile import read_profile
from graphmer.train.run import read_vocabulary

PROFILE = "base"
IGNORED = -100  # what Hugging Face calls a position without a label
TOKENS_ONLY = {"mlm": 1.0, "mnm": 1.0}
ADDED: Mapping[str, dict[str, float]] = {  # terms beside those two
    "with_sbo": {"sbo": 0.5},
    "with_text_code": {"text_code": 0.5},
    "with_link": {"link": 0.5},
    "with_order": {"link": 0.5, "antisymmetry": 10.0, "acyclicity": 10.0},
}
EVERY_TERM = {name: weight for terms in (TOKENS_ONLY, *ADDED.values()) for name, weight in terms.items()}
OFF: Mapping[str, dict[str, Any]] = {
    "no_relation_bias": {"use_rel_attention_bias": False},
    "no_decay": {"hop_decay": "none"},
    "no_bias": {"use_rel_attention_bias": False, "hop_decay": "none"},
    "no_hgat": {"use_hgat": False},
    "plain": {"use_rel_attention_bias": False, "hop_decay": "none", "use_hgat": False},
}


@dataclass(frozen=True)
class Setting:
    """Parameters of the base profile on some packed data, without dropout: it would slow BERT down more than us."""

    model: ModelParams
    train: TrainParams
    vocabulary: Vocabulary
    compile: bool = False

    def with_terms(self, weights: Mapping[str, float]) -> TrainParams:
        """The same training with these terms alone."""
        loss = self.train.loss
        zeros = {name: 0.0 for name in vars(loss) if name != "temperature"}
        return replace(self.train, loss=LossParams(**{**zeros, **weights}, temperature=loss.temperature))


def read_setting(
    root: Path, packed: Path, rows: int, row_length: int, changes: list[str], is_compiled: bool = False
) -> Setting:
    """params.yaml with the base profile over it, and `changes` over both."""
    profile = read_profile(PROFILE, root / "profiles").changes
    own = [f"train.rows={rows}", f"train.link_rows={rows}", f"train.row_length={row_length}", "model.dropout=0.0"]
    own += ["train.curriculum=[]"]  # rows keep the length that was asked for
    tree = load_tree(root / "params.yaml", [*profile, *own, *changes])
    model, train = load_section(tree, "model", ModelParams), load_section(tree, "train", TrainParams)
    return Setting(model, train, read_vocabulary(packed), is_compiled)


def make_stream(setting: Setting, packed: Path, weights: Mapping[str, float]) -> TrainStream:
    """The training stream itself: real rows, real masks."""
    params = setting.with_terms(weights)
    return TrainStream(load_split(packed, "train"), load_entities(packed), load_ontology(), setting.vocabulary, params)


def take(stream: TrainStream, number: int) -> MicroBatch:
    """The whole step `number` as one micro-batch."""
    (batch,) = stream.micro_batches(number, Share(0, 1, stream.params.rows))
    return batch


class AllPositions(Objective):
    """Our objective with logits at every position, as Hugging Face computes them."""

    def _token_terms(self, flat: Tensor, batch: MicroBatch) -> dict[str, Tensor]:
        logits = self.model.token_logits(flat)
        names = batch.batch.leaf_position[batch.leaf].reshape(-1)
        weight = batch.leaf_weight.repeat_interleave(batch.name.shape[1])
        return {
            "mlm": token_sum(logits[batch.mlm_position], batch.mlm_target, batch.mlm_weight) / batch.totals[0],
            "mnm": token_sum(logits[names], batch.name.reshape(-1), weight) / batch.totals[2],
        }


@dataclass(frozen=True)
class Subject:
    """Something that trains. loss: of a batch. forward: hidden states alone, of a batch without labels."""

    module: nn.Module
    loss: Callable[[MicroBatch], Tensor]
    forward: Callable[[Batch], Tensor]


def our_subjects(setting: Setting, device: str) -> dict[str, Subject]:
    """Ours with everything on, and without each ingredient: they share their weights, and what is off has none."""
    torch.manual_seed(0)
    whole = GraphMER(setting.model, setting.vocabulary).to(device)
    result = {"ours": _ours(whole, setting, TOKENS_ONLY, Objective)}
    for name, changes in OFF.items():
        with torch.device("meta"):
            part = GraphMER(replace(setting.model, **changes), setting.vocabulary)
        shared = dict(whole.named_parameters())
        part.load_state_dict({key: shared[key] for key, _ in part.named_parameters()}, assign=True)
        result[name] = _ours(part, setting, TOKENS_ONLY, Objective)
    result["all_positions"] = _ours(whole, setting, TOKENS_ONLY, AllPositions)
    for name, terms in ADDED.items():
        result[name] = _ours(whole, setting, {**TOKENS_ONLY, **terms}, Objective)
    # Each objective froze the heads that it has no use for; all of them share these weights.
    for weight in whole.parameters():
        weight.requires_grad_(True)
    return result


def _ours(model: GraphMER, setting: Setting, weights: Mapping[str, float], kind: type[Objective]) -> Subject:
    model.encoder.bias_gradient = setting.train.bias_gradient
    if setting.compile:
        model.encoder.compile_blocks()
    objective = kind(model, setting.with_terms(weights), load_ontology(), gather_rows, 1).to(model.token_bias_V.device)
    return Subject(objective, lambda batch: objective(batch)["backward"], model)


def hugging_face(setting: Setting, device: str) -> dict[str, Subject]:
    """BertForMaskedLM of our layers, width, heads and vocabulary, with SDPA, on the same rows and labels.

    `hf_bert` as it comes, with logits at every position; `hf_bert_masked` with its head on labelled positions alone,
    which its users do not get without writing it.
    """
    from transformers import BertConfig, BertForMaskedLM

    ours = setting.model
    config = BertConfig(
        vocab_size=setting.vocabulary.tokens,
        hidden_size=ours.width,
        num_hidden_layers=ours.layers,
        num_attention_heads=ours.heads,
        intermediate_size=ours.ffn,
        max_position_embeddings=setting.train.row_length,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        attn_implementation="sdpa",
    )
    torch.manual_seed(0)
    model = BertForMaskedLM(config).to(device)
    if setting.compile:
        for layer in model.bert.encoder.layer:
            layer.compile()

    def loss(batch: MicroBatch) -> Tensor:
        rows = batch.batch
        mask = (rows.document > 0).long()
        value: Tensor = model(input_ids=rows.token, attention_mask=mask, labels=labels(batch)).loss
        return value

    def masked_loss(batch: MicroBatch) -> Tensor:
        label = labels(batch).reshape(-1)
        chosen = label != IGNORED
        logits: Tensor = model.cls(forward(batch.batch).flatten(0, 1)[chosen])
        return F.cross_entropy(logits.float(), label[chosen])

    def forward(rows: Batch) -> Tensor:
        hidden: Tensor = model.bert(input_ids=rows.token, attention_mask=(rows.document > 0).long()).last_hidden_state
        return hidden

    return {"hf_bert": Subject(model, loss, forward), "hf_bert_masked": Subject(model, masked_loss, forward)}


def labels(batch: MicroBatch) -> Tensor:
    """(B, S) the token at each masked position, root or name slot, and IGNORED elsewhere."""
    flat = torch.full((batch.batch.token.numel(),), IGNORED, device=batch.batch.token.device)
    used = batch.mlm_weight > 0
    flat[batch.mlm_position[used]] = batch.mlm_target[used]
    flat[batch.batch.leaf_position[batch.leaf]] = batch.name
    return flat.view_as(batch.batch.token)


def make_optimizer(module: nn.Module, params: TrainParams) -> torch.optim.Optimizer:
    """The training loop's own."""
    groups = parameter_groups(module, params.weight_decay)
    return torch.optim.AdamW(groups, lr=params.learning_rate, betas=(params.beta1, params.beta2), fused=True)
