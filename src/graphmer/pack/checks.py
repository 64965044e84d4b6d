"""What packed arrays must hold: an index out of range would be a wrong row, or a crash hours into training."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graphmer.errors import ArtifactError

if TYPE_CHECKING:
    from graphmer.pack.shards import EntityArrays, SplitArrays

Array = npt.NDArray[Any]

REMEDY = "delete it and run dvc repro pack"
OFFSETS = {
    "sample_token": "token_id",
    "sample_leaf": "leaf_tail",
    "sample_edge": "edge_tail",
    "pair_text": "pair_token",
}
FLAGS = ("token_first", "leaf_query", "leaf_ambiguous", "pair_token_first", "external")
# One array of each family; the others are as long.
FAMILIES = {
    "token_": "token_id",
    "leaf_": "leaf_tail",
    "edge_": "edge_tail",
    "pair_token": "pair_token",
    "pair_": "pair_sample",
}


def check_split(path: Path, split: "SplitArrays", manifest: Mapping[str, Any]) -> None:
    """Raises ArtifactError that names the first array of a split that is damaged or that fits another run's files."""
    arrays = {name: value for name, value in vars(split).items() if isinstance(value, np.ndarray)}
    for name, values in arrays.items():
        _check_form(path, name, values, 1)
    for name, of in OFFSETS.items():
        _check_offsets(path, name, arrays[name], len(arrays[of]))
    for name, values in arrays.items():
        family = next((prefix for prefix in FAMILIES if name.startswith(prefix) and name not in OFFSETS), None)
        if family is not None:
            _check_length(path, name, len(values), len(arrays[FAMILIES[family]]))
    _check_length(path, "sample_leaf", len(split.sample_leaf), split.num_samples + 1)
    _check_length(path, "sample_edge", len(split.sample_edge), split.num_samples + 1)
    _check_length(path, "pair_text", len(split.pair_text), len(split.pair_sample) + 1)
    _check_length(path, "its table of samples", len(split.samples), split.num_samples)
    _check_numbers(path, split, manifest)
    _check_roots(path, split)


def check_entities(path: Path, entities: "EntityArrays", manifest: Mapping[str, Any]) -> None:
    """Raises ArtifactError that names the first array of the entities that is damaged or fits another manifest."""
    for name, values in vars(entities).items():
        if isinstance(values, np.ndarray):
            _check_form(path, name, values, 2 if name in ("name_token", "key_token") else 1)
        _check_length(path, name, len(values), len(entities.symbols))
    for name, width in (("name_token", "name_slots"), ("key_token", "key_tokens")):
        if getattr(entities, name).shape[1] != manifest[width]:
            raise ArtifactError(
                f"{path}: {name} is {getattr(entities, name).shape[1]} wide, the manifest says {width} "
                f"{manifest[width]}; run dvc repro pack"
            )
    _check_bounds(path, "type_id", entities.type_id, len(manifest["entity_types"]))
    _check_bounds(path, "name_token", entities.name_token, manifest["vocabulary"])
    _check_bounds(path, "key_token", entities.key_token, manifest["vocabulary"])


def _check_form(path: Path, name: str, values: Array, axes: int) -> None:
    expected = np.dtype(np.int64 if name in OFFSETS else np.bool_ if name in FLAGS else np.int32)
    if values.dtype != expected or values.ndim != axes:
        raise ArtifactError(
            f"{path}: {name} is {values.dtype} with {values.ndim} axes, expected {expected} with {axes}; {REMEDY}"
        )


def _check_length(path: Path, name: str, length: int, expected: int) -> None:
    if length != expected:
        raise ArtifactError(f"{path}: {name} has {length} rows, expected {expected}; {REMEDY}")


def _check_offsets(path: Path, name: str, offsets: Array, length: int) -> None:
    # A window and a docstring have at least one token; a sample may have no leaf and no edge.
    least = 1 if name in ("sample_token", "pair_text") else 0
    if len(offsets) == 0 or offsets[0] != 0 or offsets[-1] != length or (np.diff(offsets) < least).any():
        raise ArtifactError(f"{path}: {name} does not run from 0 to {length} in steps of {least} or more; {REMEDY}")


def _check_numbers(path: Path, split: "SplitArrays", manifest: Mapping[str, Any]) -> None:
    vocabulary, relations = manifest["vocabulary"], len(manifest["relations"])
    words, entities = len(split.words), len(split.entity_word)
    for name, bound in {
        "token_id": vocabulary,
        "pair_token": vocabulary,
        "leaf_relation": relations,
        "edge_relation": relations,
        "leaf_head": entities,
        "leaf_tail": entities,
        "edge_head": entities,
        "edge_tail": entities,
        "pair_sample": split.num_samples,
    }.items():
        _check_bounds(path, name, getattr(split, name), bound)
    for name in ("token_word", "pair_token_word", "pair_word", "entity_word"):
        _check_bounds(path, name, getattr(split, name), words, -1)


def _check_bounds(path: Path, name: str, values: Array, bound: int, low: int = 0) -> None:
    if values.size and not low <= int(values.min()) <= int(values.max()) < bound:
        raise ArtifactError(
            f"{path}: {name} holds {int(values.min())} to {int(values.max())}, expected {low} to {bound - 1}; "
            "the tokenizer, the entities or the ontology are of another run; run dvc repro pack"
        )


def _check_roots(path: Path, split: "SplitArrays") -> None:
    """Leaves, edges and docstrings lie within their sample's roots."""
    roots = np.diff(split.sample_token)
    of_leaf, of_edge = (np.repeat(roots, np.diff(offsets)) for offsets in (split.sample_leaf, split.sample_edge))
    ends = [
        ("leaf_anchor_start", split.leaf_anchor_start, split.leaf_anchor_end - 1),
        ("leaf_anchor_end", split.leaf_anchor_end, of_leaf),
        ("edge_source", split.edge_source, of_edge - 1),
        ("edge_target", split.edge_target, of_edge - 1),
        ("pair_doc_start", split.pair_doc_start, split.pair_doc_end),
        ("pair_doc_end", split.pair_doc_end, roots[split.pair_sample]),
    ]
    for name, values, most in ends:
        wrong = np.flatnonzero((values < 0) | (values > most))
        if len(wrong):
            row = int(wrong[0])
            raise ArtifactError(f"{path}: {name}[{row}] is {values[row]}, expected 0 to {most[row]}; {REMEDY}")
    if (np.diff(split.pair_sample) <= 0).any():
        raise ArtifactError(f"{path}: pair_sample does not rise from pair to pair; {REMEDY}")
