"""The packed arrays on disk: samples with all their candidate leaves, and the entities that leaves name."""

import io
import json
import zipfile
import zlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graphmer.artifacts import atomic_file, read_json, read_table, write_table
from graphmer.errors import ArtifactError
from graphmer.pack.checks import check_entities, check_split

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

IntArray = npt.NDArray[np.int32]
LongArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

SPLITS = ("train", "val", "test")
LAYOUT_VERSION = 3  # raise it when an array changes its meaning: train and eval refuse another one


@dataclass(frozen=True)
class SplitArrays:
    """One split. N samples, T tokens, A leaves, G edges; leaves and edges are sorted by sample.

    token_*: (T,). token_id: vocabulary id. token_word: index into `words`, -1 where no identifier. token_first:
    whether it begins its identifier. token_start, token_end: bytes in the file. sample_token: (N+1,) offsets.
    leaf_*: (A,). leaf_relation: ontology id. leaf_anchor_start, leaf_anchor_end: roots of the mention, counted in
    the sample. leaf_head, leaf_tail: rows of the entities. leaf_query: held out, never context. leaf_ambiguous: one
    of several candidates, never context nor query. leaf_triple: row of triples.parquet. sample_leaf: (N+1,) offsets.
    edge_*: (G,). edge_source, edge_target: roots of one sample that a relation joins. edge_head, edge_tail: rows of the
    entities. None is held out or ambiguous. sample_edge: (N+1,) offsets.
    pair_*: (P,) documented functions outside tests, by sample. pair_sample: the sample that begins the function.
    pair_doc_start, pair_doc_end: its roots that are the docstring, equal where that stands outside the window.
    pair_word: the function's short name. pair_token, pair_token_word, pair_token_first: tokens of the docstring's first
    paragraph, as token_*. pair_text: (P+1,) offsets.
    entity_word: (E,) index into `words` of each entity's short name, -1 where this split never spells it.
    """

    token_id: IntArray
    token_word: IntArray
    token_first: BoolArray
    token_start: IntArray
    token_end: IntArray
    sample_token: LongArray
    leaf_relation: IntArray
    leaf_anchor_start: IntArray
    leaf_anchor_end: IntArray
    leaf_head: IntArray
    leaf_tail: IntArray
    leaf_query: BoolArray
    leaf_ambiguous: BoolArray
    leaf_triple: IntArray
    sample_leaf: LongArray
    edge_relation: IntArray
    edge_source: IntArray
    edge_target: IntArray
    edge_head: IntArray
    edge_tail: IntArray
    sample_edge: LongArray
    pair_sample: IntArray
    pair_doc_start: IntArray
    pair_doc_end: IntArray
    pair_word: IntArray
    pair_token: IntArray
    pair_token_word: IntArray
    pair_token_first: BoolArray
    pair_text: LongArray
    entity_word: IntArray
    words: list[str]
    samples: "pd.DataFrame"

    @property
    def num_samples(self) -> int:
        """N."""
        return len(self.sample_token) - 1

    @property
    def leaf_sample(self) -> LongArray:
        """(A,) sample of each leaf."""
        return np.repeat(np.arange(self.num_samples), np.diff(self.sample_leaf))


@dataclass(frozen=True)
class EntityArrays:
    """The entities in the order of entities.parquet.

    type_id: (E,) ontology id. external: (E,). name_token: (E, name_slots) padded with [END]; name_length: (E,) true
    length, more than name_slots where the name was cut. key_token: (E, key_tokens) padded with [PAD]; key_length: (E,).
    """

    type_id: IntArray
    external: BoolArray
    name_token: IntArray
    name_length: IntArray
    key_token: IntArray
    key_length: IntArray
    symbols: list[str]
    packages: list[str]
    names: list[str]


def samples_schema() -> "pa.Schema":
    """One row a sample: what its window shows."""
    import pyarrow as pa

    text = ("package", "language", "file", "owner", "kind")
    numbers = ("byte_start", "byte_end", "tokens", "leaves")
    return pa.schema(
        [("sample", pa.int64())] + [(name, pa.string()) for name in text] + [(name, pa.int64()) for name in numbers]
    )


def save_arrays(path: Path, arrays: object) -> None:
    """Write a dataclass of arrays and string lists as one compressed .npz, the same bytes for the same arrays."""
    with atomic_file(path) as scratch, zipfile.ZipFile(scratch, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for field in fields(arrays):  # type: ignore[arg-type]
            value = getattr(arrays, field.name)
            if isinstance(value, list):
                data = json.dumps(value).encode("ascii")
            elif isinstance(value, np.ndarray):
                buffer = io.BytesIO()
                np.save(buffer, value, allow_pickle=False)
                data = buffer.getvalue()
            else:
                continue
            # A fixed date: numpy.savez would store the time of day.
            archive.writestr(zipfile.ZipInfo(f"{field.name}", (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)


def _read_arrays(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise ArtifactError(f"{path}: not found; run the stage that writes it (dvc repro pack)")
    values: dict[str, Any] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                data = archive.read(name)
                if data.startswith(b"\x93NUMPY"):
                    values[name] = np.load(io.BytesIO(data), allow_pickle=False)
                else:
                    values[name] = json.loads(data)
    # A wrong bit may look like an unknown compression (NotImplementedError) or a password (RuntimeError).
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError) as error:
        raise ArtifactError(f"{path}: damaged ({error}); delete it and run dvc repro pack") from None
    return values


def _build(path: Path, cls: type, values: dict[str, Any]) -> Any:
    names = {field.name for field in fields(cls)}
    if set(values) != names:
        wrong = sorted(set(values) ^ names)
        raise ArtifactError(f"{path}: of another layout ({', '.join(wrong)} differ); run dvc repro pack")
    return cls(**values)


MANIFEST: dict[str, type] = {
    "vocabulary": int,
    "name_slots": int,
    "key_tokens": int,
    "relations": list,
    "entity_types": list,
}


def read_manifest(packed: Path) -> dict[str, Any]:
    """manifest.json of a packed folder; raises ArtifactError where it is damaged or its layout is another one."""
    manifest: dict[str, Any] = read_json(packed / "manifest.json")
    if not isinstance(manifest, dict):
        raise ArtifactError(f"{packed}/manifest.json: expected an object; run dvc repro pack")
    if manifest.get("layout_version") != LAYOUT_VERSION:
        raise ArtifactError(
            f"{packed}: layout version {manifest.get('layout_version')}, expected {LAYOUT_VERSION}; run dvc repro pack"
        )
    for key, kind in MANIFEST.items():
        if not isinstance(manifest.get(key), kind):
            raise ArtifactError(
                f"{packed}/manifest.json: {key} is {manifest.get(key)!r}, expected {kind.__name__}; run dvc repro pack"
            )
    return manifest


def load_split(packed: Path, split: str) -> SplitArrays:
    """One split's arrays; raises ArtifactError where missing, damaged, of another layout or out of range."""
    path = packed / f"{split}.npz"
    manifest = read_manifest(packed)
    samples = read_table(packed / f"{split}.samples.parquet", samples_schema())
    arrays: SplitArrays = _build(path, SplitArrays, _read_arrays(path) | {"samples": samples})
    check_split(path, arrays, manifest)
    return arrays


def save_split(packed: Path, split: str, arrays: SplitArrays) -> None:
    """Write one split's arrays and its table of samples."""
    save_arrays(packed / f"{split}.npz", arrays)
    write_table(arrays.samples, packed / f"{split}.samples.parquet", samples_schema())


def load_entities(packed: Path) -> EntityArrays:
    """The entities' arrays; raises ArtifactError where missing, damaged, of another layout or out of range."""
    path = packed / "entities.npz"
    manifest = read_manifest(packed)
    arrays: EntityArrays = _build(path, EntityArrays, _read_arrays(path))
    check_entities(path, arrays, manifest)
    return arrays
