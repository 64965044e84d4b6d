"""Triples that a model proposed, beside those of static analysis: what may be added to a graph, and what is kept.

`graphmer complete --apply` adds them. A graph that is made again keeps those whose mention still stands.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from graphmer.artifacts import read_json, read_table, records
from graphmer.corpus.parse.schema import files_schema
from graphmer.errors import ArtifactError
from graphmer.kg import checks
from graphmer.kg.provenance import provenance
from graphmer.kg.schema import triples_schema
from graphmer.kg.validate import Tables, build_view
from graphmer.ontology.vocabulary import load_ontology

if TYPE_CHECKING:
    import pandas as pd

SOURCE = "ml_extraction"
KEY = ["head", "relation", "tail"]
OF_PACKAGE = ("language", "package", "version", "license", "split")  # holds of every triple of a file
Row = Mapping[str, Any]  # of triples.parquet
Mention = tuple[str, str, str, int]  # head, relation, file, first byte


class Earlier(NamedTuple):
    """What an earlier graph holds of a model's. digests: of its files' texts. unreadable: rows that cannot be had."""

    rows: list[Row]
    digests: dict[str, str]
    unreadable: int


class Carried(NamedTuple):
    """A graph with what was kept of the earlier one's. counts: `kept`, and what was dropped by reason."""

    tables: Tables
    counts: dict[str, int]


def shared_columns(triples: "pd.DataFrame", file: str) -> dict[str, Any]:
    """What holds of the whole package, read off a triple of the same file."""
    beside = triples[triples["file"] == file].iloc[0]
    return {name: beside[name] for name in OF_PACKAGE}


def mention(row: Row) -> Mention:
    """Where a row's words stand, and what is asked of them."""
    return row["head"], row["relation"], row["file"], int(row["byte_start"])


def settled_mentions(triples: "pd.DataFrame") -> set[Mention]:
    """Mentions that need no proposal more: all but those that static analysis left between candidates."""
    rows = triples[(triples["resolution"] != "ambiguous") | (triples["source"] == SOURCE)]
    return set(zip(rows["head"], rows["relation"], rows["file"], rows["byte_start"], strict=True))


def sound_rows(tables: Tables, rows: Sequence[Row]) -> list[int]:
    """Numbers of the rows that break no rule beside the graph and each other."""
    kept = _within_limits(tables, rows)
    while True:
        broken = _offending(widened(tables, [rows[number] for number in kept]))
        sound = [number for number in kept if _key(rows[number]) not in broken]
        if len(sound) == len(kept):
            return kept
        kept = sound


def widened(tables: Tables, rows: Sequence[Row]) -> Tables:
    """The graph with these rows, in its order."""
    import pandas as pd

    if not rows:
        return tables
    added = pd.DataFrame(rows).astype({"confidence": "float32"})[list(tables.triples.columns)]
    joined = pd.concat([tables.triples, added], ignore_index=True)
    return tables._replace(triples=joined.sort_values(KEY, kind="stable", ignore_index=True))


def count_triples(manifest: dict[str, Any], triples: "pd.DataFrame") -> None:
    """Make the manifest say what the table holds."""
    counted: dict[str, dict[str, int]] = {}
    for (relation, language), part in triples.groupby(["relation", "language"], sort=True):
        counted.setdefault(str(relation), {})[str(language)] = len(part)
    manifest["triples"] = counted
    manifest[SOURCE] = {"added": int((triples["source"] == SOURCE).sum())}


def read_earlier(graph: Path, parsed: Path) -> Earlier | None:
    """What a model's are in a graph's folder; None where there is no graph, or nothing of a model's in it.

    parsed: the parsed rows that the graph was built from.
    """
    try:
        said = read_json(graph / "manifest.json")
    except ArtifactError:
        return None
    count = said[SOURCE].get("added") if isinstance(said, dict) and isinstance(said.get(SOURCE), dict) else 0
    if not isinstance(count, int) or count < 1:
        return None
    try:
        rows = _model_rows(graph)
        files = read_table(parsed / "files.parquet", files_schema(), ["file", "sha256"])
    except ArtifactError:
        return Earlier([], {}, count)
    return Earlier(rows, dict(zip(files["file"], files["sha256"], strict=True)), max(count - len(rows), 0))


def _model_rows(graph: Path) -> list[Row]:
    """A model's rows in Parquet or JSONL; N-Triples do not tell them from others."""
    if (graph / "triples.parquet").is_file():
        triples = read_table(graph / "triples.parquet", triples_schema())
        return [row._asdict() for row in records(triples[triples["source"] == SOURCE])]
    if not (graph / "triples.jsonl").is_file():
        return []
    try:
        lines = (graph / "triples.jsonl").read_text(encoding="utf-8").split("\n")
        found = [json.loads(line) for line in lines if SOURCE in line]
    except ValueError as error:
        raise ArtifactError(f"{graph / 'triples.jsonl'}: not readable as JSON ({error})") from None
    names = set(triples_schema().names)
    return [row for row in found if isinstance(row, dict) and set(row) == names and row["source"] == SOURCE]


def carried_over(tables: Tables, digests: Mapping[str, str], earlier: Earlier) -> Carried:
    """A new graph with the rows of the earlier one that still hold.

    digests: of the new graph's files. Reasons to drop a row: `text_changed` (its file's), `symbol_gone` (head or tail),
    `settled_now` (by static analysis or a curated row), `breaks_a_rule`, `unreadable`.
    """
    counts = Counter(unreadable=earlier.unreadable)
    symbols, settled = set(tables.entities["entity"]), settled_mentions(tables.triples)
    present = set(tables.triples[KEY].itertuples(index=False, name=None))
    files = set(tables.triples["file"])
    rows: list[Row] = []
    for row in earlier.rows:
        file = row["file"]
        if file not in files or digests.get(file) is None or earlier.digests.get(file) != digests[file]:
            counts["text_changed"] += 1
        elif row["head"] not in symbols or row["tail"] not in symbols:
            counts["symbol_gone"] += 1
        elif _key(row) in present or mention(row) in settled:
            counts["settled_now"] += 1
        else:
            rows.append({**row, **shared_columns(tables.triples, file)})
    kept = sound_rows(tables, rows)
    counts.update(kept=len(kept), breaks_a_rule=len(rows) - len(kept))
    reasons = ("kept", "text_changed", "symbol_gone", "settled_now", "breaks_a_rule", "unreadable")
    return Carried(widened(tables, [rows[number] for number in kept]), {reason: counts[reason] for reason in reasons})


def _key(row: Row) -> tuple[str, str, str]:
    return row["head"], row["relation"], row["tail"]


def _within_limits(tables: Tables, rows: Sequence[Row]) -> list[int]:
    """Numbers of the rows whose head may still have a tail more in their relation, the first ones first."""
    types = dict(zip(tables.entities["entity"], tables.entities["type"], strict=True))
    languages = dict(zip(tables.entities["entity"], tables.entities["language"], strict=True))
    settled = tables.triples[tables.triples["resolution"] != "ambiguous"]
    counts = Counter(zip(settled["head"], settled["relation"], strict=True))
    kept = []
    for number, row in enumerate(rows):
        head, relation, _ = _key(row)
        limit = load_ontology().relations[relation].limit(languages[head], types[head])
        if limit is None or counts[head, relation] < limit:
            counts[head, relation] += 1
            kept.append(number)
    return kept


def _offending(tables: Tables) -> Collection[tuple[str, str, str]]:
    """Triples of a model's that break a rule."""
    graph, ontology = build_view(tables), load_ontology()
    found: Iterable[checks.Offender] = [
        *checks.domain_range(graph, ontology),
        *checks.acyclicity(graph, ontology),
        *checks.constraints(graph, ontology),
        *provenance(graph, tables.files, tables.references),
        *checks.duplicates(graph),
    ]
    rows = (graph.rows[offender.row] for offender in found)
    return {(row.head, row.relation, row.tail) for row in rows if row.source == SOURCE}
