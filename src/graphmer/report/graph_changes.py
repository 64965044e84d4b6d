"""Triples that a change of code or parameters gained and lost, by the graphs that two versions of dvc.lock name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from graphmer.artifacts import open_table, read_json, records
from graphmer.errors import ArtifactError
from graphmer.kg.schema import triples_schema
from graphmer.report.lock import dvc_digest

if TYPE_CHECKING:
    import pandas as pd

GRAPH = "data/kg"
TRIPLES = "triples.parquet"
FETCHED = ".scratch/graphs"  # <digest>/: graphs that `dvc get` brought from a remote
KEY = ["head", "relation", "tail"]
SHOWN = [*KEY, "file", "line_start"]


@dataclass(frozen=True)
class GraphChange:
    """How many triples one graph has and the other has not; the first of them, as `head relation tail file:line`."""

    gained: int
    lost: int
    first_gained: list[str]
    first_lost: list[str]


def graph_digest(lock: bytes | None) -> str | None:
    """DVC's digest of the graph that a dvc.lock names; None where it names none.

    Raises ArtifactError where the lock cannot be read.
    """
    try:
        stages: Mapping[str, Any] = yaml.safe_load(lock or b"{}").get("stages", {})
        outs = [out for stage in stages.values() for out in stage.get("outs", [])]
        found: str | None = next((out["md5"] for out in outs if out["path"] == GRAPH), None)
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, KeyError, TypeError) as error:
        raise ArtifactError(f"dvc.lock: not a lock ({' '.join(str(error).split())}); see docs/sharing.md") from None
    return found


def triples_file(root: Path, cached: Callable[[str], Path], digest: str) -> Path | None:
    """The triples of a graph, wherever its bytes lie here: DVC's cache, data/kg, or what `dvc get` brought; or None.

    cached: where the cache keeps what has a digest.
    """
    listing = cached(digest)
    if listing.is_file():
        entries = {entry["relpath"]: entry["md5"] for entry in read_json(listing)}
        if TRIPLES in entries and (found := cached(entries[TRIPLES])).is_file():
            return found
    for folder in (root / GRAPH, root / FETCHED / digest):
        if folder.is_dir() and dvc_digest(folder) == digest:
            return folder / TRIPLES
    return None


def compare_graphs(before: Path, after: Path, shown: int) -> GraphChange:
    """Two graphs' triples files; `shown` of each kind are listed, sorted. Raises ArtifactError where one is damaged."""
    old, new = _triples(before), _triples(after)
    both = old.merge(new, on=KEY, how="outer", suffixes=("_old", "_new"), indicator=True).sort_values(KEY)
    lost, gained = both[both["_merge"] == "left_only"], both[both["_merge"] == "right_only"]
    return GraphChange(
        len(gained), len(lost), _lines(gained.head(shown), "_new"), _lines(lost.head(shown), "_old")
    )  # fmt: skip


def _triples(path: Path) -> "pd.DataFrame":
    frame: pd.DataFrame = open_table(path, triples_schema()).read(columns=SHOWN).to_pandas()
    return frame.drop_duplicates(KEY)


def _lines(rows: "pd.DataFrame", side: str) -> list[str]:
    chosen = rows[[*KEY, f"file{side}", f"line_start{side}"]].astype({f"line_start{side}": int})
    chosen.columns = SHOWN
    return [f"{row.head} {row.relation} {row.tail}  {row.file}:{row.line_start}" for row in records(chosen)]
