"""A trained model on disk: model.safetensors, config.json, tokenizer.json; loads strictly.

`graphmer.model.compact` writes the same in fewer bits and several files: config.json then has `weights`, how they lie.
"""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from graphmer.artifacts import read_json, sha256_file, sha256_json, write_json
from graphmer.errors import ArtifactError
from graphmer.model.config import ModelParams, Vocabulary
from graphmer.model.heads import GraphMER
from graphmer.model.stored import BITS, whole_weights
from graphmer.params import load_section

WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.json"


def save_model(folder: Path, model: GraphMER, packed: Path) -> None:
    """Write the weights, their shape and the tokenizer they were trained with into `folder`, which exists.

    Raises OSError where the disk is full.
    """
    weights = {name: value.detach().float().cpu().contiguous() for name, value in model.state_dict().items()}
    # Written here, not by the library: its own error for a full disk is no OSError and says nothing of the remedy.
    (folder / WEIGHTS).write_bytes(save(weights))
    shutil.copyfile(packed / TOKENIZER, folder / TOKENIZER)
    config = {
        "model": dataclasses.asdict(model.encoder.params),
        "vocabulary": dataclasses.asdict(model.encoder.vocabulary),
        "files": {name: sha256_file(folder / name) for name in (WEIGHTS, TOKENIZER)},
    }
    write_json(folder / "config.json", config)


def load_model(folder: Path, packed: Path | None = None) -> GraphMER:
    """Read a model; with `packed`, check that it was trained with that folder's tokenizer.

    Raises ArtifactError on a missing or damaged file, on a missing or unexpected weight, or on another tokenizer.
    """
    config = read_json(folder / "config.json")
    digests = weights_files(folder, config)
    for name, digest in digests.items():
        _check_digest(folder / name, digest)
    tokenizer = config["files"][TOKENIZER]
    _check_digest(folder / TOKENIZER, tokenizer)
    if packed is not None and sha256_file(packed / TOKENIZER) != tokenizer:
        raise ArtifactError(f"{folder}: trained with another tokenizer than {packed}'s; train it again on these data")
    model = build_model(config)
    try:
        stored = {name: weight for file in digests for name, weight in load_file(folder / file).items()}
        model.load_state_dict(_whole(stored, config), strict=True)
    except (RuntimeError, SafetensorError, KeyError, ValueError) as error:
        raise ArtifactError(f"{folder}/{WEIGHTS}: {' '.join(str(error).split())}; train it again") from None
    return model


def weights_files(folder: Path, config: object) -> dict[str, str]:
    """{file of weights: digest} of a model's config.json; raises ArtifactError where it names none or no tokenizer."""
    digests = config.get("files") if isinstance(config, dict) else None
    named = dict(digests) if isinstance(digests, dict) else {}
    weights = {name: named[name] for name in sorted(named) if name.endswith(".safetensors")}
    if not weights or TOKENIZER not in named:
        raise ArtifactError(f"{folder}/config.json: no digests of {WEIGHTS} and {TOKENIZER}; restore it or train again")
    return weights


def model_digest(folder: Path) -> str:
    """Digest of a model's weights, as its own config.json names them; raises ArtifactError where it does not."""
    digests = weights_files(folder, read_json(folder / "config.json"))
    if digests.keys() == {WEIGHTS}:
        return digests[WEIGHTS]
    return sha256_json(digests)


def _whole(stored: dict[str, Tensor], config: dict[str, Any]) -> dict[str, Tensor]:
    how = config.get("weights")
    if how is None:
        return stored
    if not isinstance(how, dict) or how.get("bits") not in BITS:
        raise ValueError(f"config.json: weights: expected bits of {BITS}, got {how}")
    return whole_weights(stored, how["bits"])


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
