"""The entities as arrays: their names as leaves show them, and the keys by which they are looked up."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graphmer.artifacts import records
from graphmer.ontology.vocabulary import Ontology
from graphmer.pack.config import PackParams
from graphmer.pack.shards import EntityArrays
from graphmer.pack.tokenizer import END, PAD, CodeTokenizer

if TYPE_CHECKING:
    import pandas as pd


def entity_arrays(
    entities: "pd.DataFrame", tokenizer: CodeTokenizer, ontology: Ontology, params: PackParams
) -> EntityArrays:
    """The rows of entities.parquet, in its order."""
    name_ids = tokenizer.batch_ids(entities["name"].tolist())
    key_ids = tokenizer.batch_ids([_key_text(row) for row in records(entities)])
    return EntityArrays(
        type_id=np.asarray([ontology.type_id(name) for name in entities["type"]], np.int32),
        external=entities["external"].to_numpy(np.bool_),
        name_token=_padded(name_ids, params.name_slots, END),
        name_length=np.asarray([len(ids) for ids in name_ids], np.int32),
        key_token=_padded(key_ids, params.key_tokens, PAD),
        key_length=np.asarray([min(len(ids), params.key_tokens) for ids in key_ids], np.int32),
        symbols=entities["entity"].tolist(),
        packages=entities["package"].tolist(),
        names=entities["name"].tolist(),
    )


def _key_text(row: Any) -> str:
    """Canonical name, kind, where it lives and signature, the most telling first: the key is cut at its end."""
    owner = ".".join(row.qualified_name.split(".")[:-1][-2:])
    return f"{row.name} {row.type} {owner} {row.signature}"


def _padded(rows: list[list[int]], width: int, fill: int) -> npt.NDArray[np.int32]:
    table = np.full((len(rows), width), fill, np.int32)
    for index, ids in enumerate(rows):
        table[index, : min(len(ids), width)] = ids[:width]
    return table
