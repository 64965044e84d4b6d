"""A folder's graph laid out for a trained model: the pack stage's own windows, by the model's tokenizer and limits.

An index keeps its windows as the pack stage does (`packed/`), under one split: everything is support, nothing is asked.
"""

import dataclasses
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphmer.artifacts import read_table, records, sha256_file, write_json
from graphmer.corpus.parse.schema import files_schema
from graphmer.errors import ArtifactError
from graphmer.index.reading import NAME_MODEL, read_object
from graphmer.kg.schema import entities_schema, triples_schema
from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.build import Packer, file_symbol
from graphmer.pack.config import PackParams
from graphmer.pack.entities import entity_arrays
from graphmer.pack.shards import LAYOUT_VERSION, EntityArrays, SplitArrays, save_arrays, save_split
from graphmer.pack.tokenizer import tokenizer_of_model

if TYPE_CHECKING:
    import pandas as pd

SPLIT = "train"  # the split of every triple that `graphmer kg` writes: none is held out
LIMITS = ("max_roots", "name_slots", "key_tokens")
RESTORE = "restore it as training wrote it"
RETRAIN = "train the model again on data of this version"


def model_limits(model: Path, params: PackParams) -> PackParams:
    """The pack parameters with the limits that the model was trained with.

    Raises ArtifactError where the model's folder does not say them, or was trained by another ontology or layout.
    """
    packed = packed_limits(model)
    ontology = load_ontology()
    expected = {
        "ontology_version": ontology.version,
        "relations": list(ontology.relation_names),
        "entity_types": list(ontology.entity_types),
        "layout_version": LAYOUT_VERSION,
    }
    for name, value in expected.items():
        if packed.get(name) != value:
            said = packed.get(name) if name.endswith("version") else "others"
            wanted = value if name.endswith("version") else "this ontology's"
            raise ArtifactError(f"{model}: trained with {name} {said}, expected {wanted}; {RETRAIN}")
    return dataclasses.replace(params, tokenizer_from=str(model), **{name: packed[name] for name in LIMITS})


def packed_limits(model: Path) -> dict[str, Any]:
    """packed.json of a model's folder, which says its LIMITS; raises ArtifactError where it does not."""
    if not model.is_dir():
        raise ArtifactError(f"{model}: no such folder; {NAME_MODEL}")
    path = model / "packed.json"
    packed = read_object(path, RESTORE if path.exists() else NAME_MODEL)
    missing = [name for name in LIMITS if type(packed.get(name)) is not int]
    if missing:
        raise ArtifactError(f"{path}: says no {missing[0]}; {RESTORE}")
    return packed


def pack_graph(
    parsed: Path, graph: Path, model: Path, out: Path, params: PackParams
) -> tuple[SplitArrays, EntityArrays]:
    """Lay the graph's windows out and write them to `out` as the pack stage writes a split.

    parsed: the tables that the graph was built from. params: as `model_limits` gives them.
    """
    ontology = load_ontology()
    entities = read_table(graph / "entities.parquet", entities_schema())
    triples = read_table(graph / "triples.parquet", triples_schema())
    tokenizer = tokenizer_of_model(model)
    names = entity_arrays(entities, tokenizer, ontology, params)
    packer = Packer(tokenizer, ontology, entities, triples, parsed, params)
    arrays = packer.pack_split(SPLIT, packed_files(parsed, entities))
    out.mkdir()
    shutil.copyfile(model / "tokenizer.json", out / "tokenizer.json")
    save_arrays(out / "entities.npz", names)
    save_split(out, SPLIT, arrays)
    write_json(
        out / "manifest.json",
        {
            "layout_version": LAYOUT_VERSION,
            "ontology_version": ontology.version,
            "relations": list(ontology.relation_names),
            "entity_types": list(ontology.entity_types),
            **{name: getattr(params, name) for name in LIMITS},
            "tokenizer": sha256_file(out / "tokenizer.json"),
            "vocabulary": tokenizer.vocabulary_size,
            "unplaced_mentions": packer.unplaced,
        },
    )
    return arrays, names


def packed_files(parsed: Path, entities: "pd.DataFrame") -> "pd.DataFrame":
    """The parsed code and documents that the graph holds."""
    files = read_table(parsed / "files.parquet", files_schema())
    files = files[(files["status"] != "skipped") & files["kind"].isin(["code", "document"])]
    in_graph = set(entities.loc[entities["type"] == "File", "entity"])
    return files[[file_symbol(row) in in_graph for row in records(files)]]
