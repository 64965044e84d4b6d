"""Training from packed data to a model on disk."""

import dataclasses
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from graphmer.artifacts import atomic_folder, nested, sha256_json, write_json
from graphmer.errors import ArtifactError, TrainingError
from graphmer.machine import public_versions, python_minor
from graphmer.model.checkpoint import load_model, save_model
from graphmer.model.config import ModelParams, Vocabulary
from graphmer.model.heads import GraphMER
from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.shards import SplitArrays, load_entities, load_split, read_manifest
from graphmer.pack.tokenizer import CodeTokenizer
from graphmer.train.checkpoint import RunFolder, describe
from graphmer.train.config import TrainParams
from graphmer.train.data import TrainStream
from graphmer.train.device import gather_rows, start
from graphmer.train.loop import Loop, Setting
from graphmer.train.objective import Objective
from graphmer.train.plan import Plan, read_plan
from graphmer.train.validate import validate


def train_model(
    packed: Path,
    out: Path,
    metrics: Path,
    curve: Path,
    model: ModelParams,
    params: TrainParams,
    runs: RunFolder | None = None,
    alone: bool = False,
) -> None:
    """Train on `packed` and leave the model in `out`, its figures in `metrics` and its curve in `curve`.

    runs: where checkpoints are kept, and where an interrupted run is gone on from; None keeps none. alone: one process,
    whatever the environment asks for.
    Raises ArtifactError where the packed data do not fit, TrainingError where training cannot go on, Stopped after
    SIGTERM.
    """
    plan = read_plan(os.environ, params, alone)
    accelerator = start(plan, params)
    vocabulary = read_vocabulary(packed)
    ontology, entities = load_ontology(), load_entities(packed)
    val = _validation_split(packed)
    train = load_split(packed, "train")
    # XLA compiles a whole step, and anew for each shape: for it every batch is padded alike.
    stream = TrainStream(train, entities, ontology, vocabulary, params, plan.device == "tpu", model.graph_form)
    if params.bias_gradient == "one_layer" and model.hop_decay == "multiplicative":
        raise TrainingError(
            "train.bias_gradient: one_layer has no part of the multiplicative hop decay's factor; choose every_layer"
        )
    net = initial_model(model, vocabulary, params, packed)
    net.encoder.checkpoint_blocks = plan.checkpoint_activations
    net.encoder.bias_gradient = params.bias_gradient
    objective = Objective(net, params, ontology, gather_rows, plan.world)
    if plan.compile:
        net.encoder.compile_blocks()
    losses = Loop(Setting(accelerator, plan, runs), objective, stream, params).run(curve)
    if not accelerator.is_main_process:
        return
    net.encoder.checkpoint_blocks = False
    if plan.device == "tpu":
        net.to("cpu")  # validation's rows are ragged: each batch would be compiled anew, and XLA has no inference mode
    with accelerator.autocast():
        figures = validate(net, val, entities, ontology, params)
    with atomic_folder(out) as scratch:
        save_model(scratch, net, packed)
        shutil.copyfile(packed / "manifest.json", scratch / "packed.json")
        write_json(scratch / "training.json", training_record(model, params, plan))
    flat: dict[str, object] = {"steps": params.steps, **{f"loss.{name}": value for name, value in losses.items()}}
    flat |= {f"val.{name}": value for name, value in figures.items()}
    flat |= {f"left_out.stage_{stage + 1}": count for stage, count in enumerate(stream.layout.left_out())}
    flat |= {"weights.blocks": net.encoder.block_matrix_weights()}
    flat |= {"weights.total": sum(parameter.numel() for parameter in net.parameters())}
    kept = {name: legible(value) if isinstance(value, float) else value for name, value in flat.items()}
    write_json(metrics, nested(kept), decimals=12)
    if runs is not None:
        if (lost := runs.lost()) is not None:
            print(f"train: {lost}", file=sys.stderr)
        runs.remove()


def training_record(model: ModelParams, params: TrainParams, plan: Plan) -> dict[str, Any]:
    """How the weights beside it came to be: digests of two sections of params.yaml, the kind of device, versions."""
    sections = {"model": dataclasses.asdict(model), "train": dataclasses.asdict(params)}
    return {
        "parameters": {name: sha256_json(section) for name, section in sections.items()},
        "seed": params.seed,
        "steps": params.steps,
        "precision": params.precision,
        "device": plan.device,
        "packages": public_versions(("accelerate", "numpy", "torch")),
        "python": python_minor(),
    }


def legible(value: float) -> float:
    """Six decimals, or six digits where that would leave few: the regularisers are 1e-5 to 1e-3 nats."""
    return round(value, 6) if abs(value) >= 1e-3 else float(f"{value:.6g}")


def read_vocabulary(packed: Path) -> Vocabulary:
    """The sizes that the packed data fix.

    Raises ArtifactError where the ontology has moved on, or the tokenizer, which is kept with the weights at the end of
    the run, is missing or another one.
    """
    manifest = read_manifest(packed)
    size = CodeTokenizer.load(packed / "tokenizer.json").vocabulary_size
    if size != manifest["vocabulary"]:
        raise ArtifactError(
            f"{packed}/tokenizer.json: {size} tokens, packed with {manifest['vocabulary']}; run dvc repro pack"
        )
    ontology = load_ontology()
    if manifest["relations"] != list(ontology.relation_names):
        raise ArtifactError(f"{packed}: packed with ontology {manifest['ontology_version']}; run dvc repro pack")
    return Vocabulary(
        tokens=manifest["vocabulary"],
        relations=len(ontology.relations),
        name_slots=manifest["name_slots"],
        key_tokens=manifest["key_tokens"],
    )


def initial_model(model: ModelParams, vocabulary: Vocabulary, params: TrainParams, packed: Path) -> GraphMER:
    """A net with fresh weights, or with those of the model that train.init_from names.

    Raises ArtifactError where that model has another tokenizer or shape.
    """
    net = GraphMER(model, vocabulary)
    if params.init_from is None:
        return net
    earlier = load_model(Path(params.init_from), packed)
    sizes = {**dataclasses.asdict(model), **dataclasses.asdict(vocabulary)}
    there = {**dataclasses.asdict(earlier.encoder.params), **dataclasses.asdict(earlier.encoder.vocabulary)}
    for name, value in sizes.items():
        if there[name] != value and "dropout" not in name:
            raise ArtifactError(
                f"train.init_from: {params.init_from} has {name} {there[name]}, this run {value}; set it to the same"
            )
    net.load_state_dict(earlier.state_dict())
    return net


def _validation_split(packed: Path) -> SplitArrays:
    """Read before training: an empty one should not cost the hours that come first."""
    val = load_split(packed, "val")
    if not val.leaf_query.any():
        raise TrainingError(
            "val split: it has no query to validate on; give the corpus a larger package with split: val"
        )
    return val


def run_description(packed: Path, model: ModelParams, params: TrainParams) -> dict[str, Any]:
    """What makes two runs the same run: every parameter, and the digest of every file that training reads."""
    inputs = {"packed": packed}
    if params.init_from is not None:
        inputs["init_from"] = Path(params.init_from)
    return describe({"model": dataclasses.asdict(model), "train": dataclasses.asdict(params)}, inputs)
