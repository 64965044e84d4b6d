"""A graph as columns for a browser: codes and numbers as base64, texts once."""

import base64
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graphmer.errors import ArtifactError
from graphmer.ontology.vocabulary import RESOLUTIONS

if TYPE_CHECKING:
    import pandas as pd

ABSENT = ""  # of a signature, docstring or split in the graph's tables


def graph_columns(entities: "pd.DataFrame", triples: "pd.DataFrame") -> dict[str, Any]:
    """What graph.js reads. entities, triples: the graph's tables; a triple names entities by their row.

    Raises ArtifactError where a triple's head or tail is no entity.
    """
    row_of = {symbol: row for row, symbol in enumerate(entities["entity"])}
    unknown = next((one for end in ("head", "tail") for one in triples[end] if one not in row_of), None)
    if unknown is not None:
        raise ArtifactError(f"triples.parquet: {unknown!r} is no entity of entities.parquet; build the graph again")
    return {
        "entities": {
            "name": entities["name"].tolist(),
            "qualified_name": entities["qualified_name"].tolist(),
            **{column: _coded(entities[column]) for column in ("type", "language", "package", "file")},
            "line": _numbers(entities["line_start"].to_numpy()),
            "external": _numbers(entities["external"].to_numpy().astype(np.uint8)),
            "signature": _present(entities["signature"]),
            "docstring": _present(entities["docstring"].str.split("\n\n").str[0]),
        },
        "triples": {
            "head": _numbers(triples["head"].map(row_of).to_numpy()),
            "tail": _numbers(triples["tail"].map(row_of).to_numpy()),
            **{column: _coded(triples[column]) for column in ("relation", "resolution", "source", "file")},
            "line": _numbers(triples["line_start"].to_numpy()),
            "confidence": _encoded(triples["confidence"].to_numpy(np.dtype("<f4")), "f4"),
        },
    }


def relation_counts(triples: "pd.DataFrame") -> dict[str, Any]:
    """Triples by resolution (R), surest first, and relation (N), rarest first: their names, and triples (R, N)."""
    counts = triples.groupby(["resolution", "relation"]).size().unstack(fill_value=0)
    counts = counts[sorted(counts.columns, key=lambda relation: (counts[relation].sum(), relation))]
    counts = counts.reindex([name for name in RESOLUTIONS if name in counts.index])
    return {"resolutions": list(counts.index), "relations": list(counts.columns), "triples": counts.to_numpy().tolist()}


def package_rows(entities: "pd.DataFrame", triples: "pd.DataFrame") -> list[dict[str, Any]]:
    """A row a package: languages, split, licence, and how much of the graph it is."""
    own = entities[~entities["external"]]
    rows = []
    for package, part in triples.groupby("package", sort=True):
        mine = own[own["package"] == package]
        texts = {"languages": part["language"], "split": part["split"], "licence": part["license"]}
        rows.append(
            {"package": package}
            | {name: ", ".join(sorted(set(column) - {ABSENT})) for name, column in texts.items()}
            | {"files": int(mine["file"].nunique()), "entities": len(mine), "triples": len(part)}
        )
    return rows


def _coded(column: "pd.Series[str]") -> dict[str, Any]:
    """Different texts in sorted order, and each row's place among them."""
    values, codes = np.unique(column.to_numpy(dtype=str), return_inverse=True)
    return {"values": values.tolist(), "codes": _numbers(codes)}


def _present(column: "pd.Series[str]") -> list[tuple[int, str]]:
    """Row and text of those that have one."""
    return [(row, text) for row, text in enumerate(column) if text != ABSENT]


def _numbers(values: npt.NDArray[Any]) -> dict[str, str]:
    """Whole numbers from 0 up, in the fewest bytes that hold the largest."""
    most = int(values.max(initial=0))
    width = next(name for name, bits in (("u1", 8), ("u2", 16), ("u4", 32)) if most < 1 << bits)
    return _encoded(values.astype(f"<{width}"), width)


def _encoded(values: npt.NDArray[Any], width: str) -> dict[str, str]:
    return {"width": width, "base64": base64.b64encode(values.tobytes()).decode("ascii")}
