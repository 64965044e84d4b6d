"""A trained model on disk: model.safetensors, config.json, tokenizer.json; loads strictly."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from graphmer.artifacts import read_json, sha256_file, write_json
from graphmer.errors import ArtifactError
from graphmer.model.config import ModelParams, Vocabulary
from graphmer.model.heads import GraphMER
from graphmer.params import load_section

FILES = ("model.safetensors", "tokenizer.json")


def save_model(folder: Path, model: GraphMER, packed: Path) -> None:
    """Write the weights, their shape and the tokenizer they were trained with into `folder`, which exists.

    Raises OSError where the disk is full.
    """
    weights = {name: value.detach().float().cpu().contiguous() for name, value in model.state_dict().items()}
    # Written here, not by the library: its own error for a full disk is no OSError and says nothing of the remedy.
    (folder / "model.safetensors").write_bytes(save(weights))
    shutil.copyfile(packed / "tokenizer.json", folder / "tokenizer.json")
    config = {
        "model": dataclasses.asdict(model.encoder.params),
        "vocabulary": dataclasses.asdict(model.encoder.vocabulary),
        "files": {name: sha256_file(folder / name) for name in FILES},
    }
    write_json(folder / "config.json", config)


def load_model(folder: Path, packed: Path | None = None) -> GraphMER:
    """Read a model; with `packed`, check that it was trained with that folder's tokenizer.

    Raises ArtifactError on a missing or damaged file, on a missing or unexpected weight, or on another tokenizer.
    """
    config = read_json(folder / "config.json")
    digests = config.get("files") if isinstance(config, dict) else None
    if not isinstance(digests, dict) or not digests.keys() >= set(FILES):
        raise ArtifactError(f"{folder}/config.json: no digests of {' and '.join(FILES)}; restore it or train again")
    for name in FILES:
        _check_digest(folder / name, digests[name])
    if packed is not None and sha256_file(packed / "tokenizer.json") != digests["tokenizer.json"]:
        raise ArtifactError(f"{folder}: trained with another tokenizer than {packed}'s; train it again on these data")
    model = build_model(config)
    try:
        model.load_state_dict(load_file(folder / "model.safetensors"), strict=True)
    except (RuntimeError, SafetensorError) as error:
        raise ArtifactError(f"{folder}/model.safetensors: {' '.join(str(error).split())}; train it again") from None
    return model


def build_model(config: dict[str, Any]) -> GraphMER:
    """The model that a config.json describes, with fresh weights."""
    params = load_section(config, "model", ModelParams)
    return GraphMER(params, load_section(config, "vocabulary", Vocabulary))


def untrained_model(folder: Path, seed: int) -> GraphMER:
    """The same net with random weights: a peer, since token overlap alone scores above chance."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_model(read_json(folder / "config.json"))


def _check_digest(path: Path, expected: str) -> None:
    if not path.exists():
        raise ArtifactError(f"{path}: not found; run the stage that writes it (dvc repro train)")
    if sha256_file(path) != expected:
        raise ArtifactError(f"{path}: its digest is not the one in config.json; restore the file or train again")
