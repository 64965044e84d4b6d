"""What a variant of the ablation trains and evaluates with: its switches laid over the parameters, all of them."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphmer.errors import ParamsError
from graphmer.evaluate.config import EvalParams
from graphmer.model.config import ModelParams
from graphmer.params import load_section
from graphmer.report.config import AblationParams
from graphmer.train.config import TERMS, TrainParams


@dataclass(frozen=True)
class CellParams:
    """All that a cell reads of the parameters."""

    model: ModelParams
    train: TrainParams
    evaluate: EvalParams


def cell_params(tree: Mapping[str, Any], name: str, seed: int, steps: int, warmup_steps: int) -> CellParams:
    """The parameters of one variant with one seed; raises ParamsError where there is no such variant."""
    variants = load_section(tree, "ablation", AblationParams).variants
    if name not in variants:
        raise ParamsError(f"ablation.variants: no '{name}'; known: {', '.join(variants)}")
    variant = variants[name]
    model = dataclasses.replace(
        load_section(tree, "model", ModelParams),
        use_rel_attention_bias=variant.use_rel_attention_bias,
        use_hgat=variant.use_hgat,
        hop_decay=variant.hop_decay,
        graph_form=variant.graph_form,
    )
    given = load_section(tree, "train", TrainParams)
    train = dataclasses.replace(
        given,
        seed=seed,
        steps=steps,
        warmup_steps=warmup_steps,
        loss=dataclasses.replace(given.loss, **{term: 0.0 for term in TERMS if term not in variant.terms}),
        curriculum=given.curriculum if variant.use_curriculum else (),
    )
    evaluate = dataclasses.replace(load_section(tree, "eval", EvalParams), show_graph=variant.show_graph)
    return CellParams(model, train, evaluate)
