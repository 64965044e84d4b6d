"""`graphmer complete --apply`: proposals become triples of a graph folder, and never in a static fact's place.

A triple that the graph has already, in whatever way, stays as it is; one that is not sure enough, or would break a rule
of the ontology, is refused. All are counted. The graph is checked as a whole before it takes the old one's place.
"""

import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from graphmer.artifacts import read_json, read_table, write_json, write_table
from graphmer.corpus.licences import PROPRIETARY
from graphmer.corpus.parse.schema import files_schema
from graphmer.errors import ArtifactError, OntologyError
from graphmer.index.complete import Proposal
from graphmer.index.terminal import APPLY_AT_LEAST
from graphmer.kg.folder_graph import CACHE, FolderParams
from graphmer.kg.predicted import (
    KEY,
    SOURCE,
    Mention,
    Row,
    count_triples,
    mention,
    settled_mentions,
    shared_columns,
    sound_rows,
    widened,
)
from graphmer.kg.schema import triples_schema
from graphmer.kg.validate import Tables, measure_graph, read_tables
from graphmer.ontology.vocabulary import load_ontology
from graphmer.writing import sole_writer, swapped

REMADE = "make it again with graphmer kg PATH --out FOLDER"
# Counts in the manifest that the checks' figures are made of, and how deep their mappings go.
COUNTED = {"files": 2, "skipped": 1, "near_duplicates_removed": 2, "calls": 3}


class Applied(NamedTuple):
    """What became of the proposals. added: written. skipped: how many were not, by reason."""

    added: list[Proposal]
    skipped: dict[str, int]


def apply_proposals(
    graph: Path, code: Path, proposals: Sequence[Proposal], params: FolderParams, at_least: float = APPLY_AT_LEAST
) -> Applied:
    """Add the proposals to the graph in `graph`, which `graphmer kg` wrote; it is replaced as a whole.

    code: the parsed tables that the proposals' places count in. at_least: the confidence that a proposal needs. Several
    of one mention become `ambiguous`, since one of them holds at most; one alone is `inferred`. Reasons to skip:
    `too_unsure`, `there` already, `mention_settled` (by another triple), `unknown_symbol`, `other_code` (the graph was
    built from another text of the file), `breaks_a_rule`.
    Raises ArtifactError where the folder holds no such graph, or one of another package or ontology version, and
    OntologyError where the graph would not be valid; the folder is then as it was.
    """
    graph = Path(os.path.realpath(graph))
    _checked(graph, code)  # before a lock is laid beside it
    with sole_writer(graph):  # read within it: what another run adds before is kept
        manifest = _checked(graph, code)
        parsed = graph / CACHE
        tables = read_tables(graph, parsed)
        fresh, skipped = _fitting(tables, proposals, _same_files(code, parsed), at_least)
        rows = [_row(one, tables) for one in fresh]
        kept = sound_rows(tables, rows)
        skipped["breaks_a_rule"] += len(fresh) - len(kept)
        if kept:
            _write(graph, widened(tables, _told_apart([rows[number] for number in kept])), manifest, params)
    reasons = ("too_unsure", "there", "mention_settled", "unknown_symbol", "other_code", "breaks_a_rule")
    return Applied([fresh[number] for number in kept], {reason: skipped[reason] for reason in reasons})


def _write(graph: Path, wider: Tables, manifest: dict[str, Any], params: FolderParams) -> None:
    """Replace the graph by one with these triples; raises OntologyError where that would not be valid."""
    with swapped(graph) as scratch:
        shutil.copytree(graph, scratch, dirs_exist_ok=True)
        count_triples(manifest, wider.triples)
        allowed = [*params.fetch.licences, *({PROPRIETARY} & set(wider.triples["license"]))]
        figures, verdict, _ = measure_graph(wider, manifest, params.validate, allowed)
        if verdict:
            raise OntologyError(f"{graph}: {verdict}")
        write_table(wider.triples, scratch / "triples.parquet", triples_schema())
        write_json(scratch / "validation.json", figures)
        write_json(scratch / "manifest.json", manifest)


def _checked(graph: Path, code: Path) -> dict[str, Any]:
    """The manifest of a graph folder that can be written to, of the package that `code` is of."""
    if not (graph / "triples.parquet").is_file() or not (graph / "manifest.json").is_file():
        raise ArtifactError(f"{graph}: no graph in Parquet; {REMADE}")
    if not (graph / CACHE / "files.parquet").is_file():
        raise ArtifactError(f"{graph}: holds no parsed rows to check the graph on ({CACHE}); {REMADE}, without --cache")
    manifest = _manifest(graph / "manifest.json")
    found, version = manifest["ontology_version"], load_ontology().version
    if found != version:
        raise ArtifactError(f"{graph}: a graph of ontology {found}, expected {version}; {REMADE}")
    theirs, ours = (
        ", ".join(sorted(set(read_table(parsed / "files.parquet", files_schema(), ["package"])["package"])))
        for parsed in (graph / CACHE, code)
    )
    if theirs != ours:
        raise ArtifactError(
            f"{graph}: a graph of package '{theirs}', while the index is of '{ours}'; {REMADE} --name {ours}"
        )
    return manifest


def _manifest(path: Path) -> dict[str, Any]:
    """A graph's manifest with all that the checks' figures need; raises ArtifactError where it says less."""
    try:
        manifest = read_json(path)
    except ArtifactError:
        raise ArtifactError(f"{path}: damaged (not readable as JSON); {REMADE}") from None
    if not isinstance(manifest, dict):
        raise ArtifactError(f"{path}: damaged (expected an object); {REMADE}")
    for key in ("ontology_version", *COUNTED):
        if key not in manifest:
            raise ArtifactError(f"{path}: damaged (says no {key}); {REMADE}")
    for key, depth in COUNTED.items():
        if not _counts(manifest[key], depth):
            raise ArtifactError(f"{path}: damaged ({key} are no counts); {REMADE}")
    return manifest


def _counts(value: object, depth: int) -> bool:
    """Whether a value is mappings of mappings, so many deep, and then whole numbers."""
    if depth == 0:
        return isinstance(value, int)
    return isinstance(value, dict) and all(_counts(inner, depth - 1) for inner in value.values())


def _same_files(code: Path, parsed: Path) -> set[str]:
    """Files whose text is the same in both."""
    one, other = (
        set(table.itertuples(index=False, name=None))
        for table in (
            read_table(folder / "files.parquet", files_schema(), ["file", "sha256"]) for folder in (code, parsed)
        )
    )
    return {str(file) for file, _ in one & other}


def _fitting(
    tables: Tables, proposals: Sequence[Proposal], files: set[str], at_least: float
) -> "tuple[list[Proposal], Counter[str]]":
    """The proposals that could be added, and the others counted by reason."""
    symbols, settled = set(tables.entities["entity"]), settled_mentions(tables.triples)
    present = set(tables.triples[KEY].itertuples(index=False, name=None))
    fresh: list[Proposal] = []
    skipped: Counter[str] = Counter()
    for one in proposals:
        if (one.head, one.relation, one.tail) in present:
            skipped["there"] += 1
        elif not one.confidence >= at_least:
            skipped["too_unsure"] += 1
        elif one.head not in symbols or one.tail not in symbols:
            skipped["unknown_symbol"] += 1
        elif one.file not in files:
            skipped["other_code"] += 1
        elif mention(one._asdict()) in settled:
            skipped["mention_settled"] += 1
        else:
            fresh.append(one)
    return fresh, skipped


def _row(one: Proposal, tables: Tables) -> Row:
    """A row of triples.parquet."""
    spans = {"line_start": one.line, "line_end": one.line, "byte_start": one.byte_start, "byte_end": one.byte_end}
    ends = {"head": one.head, "relation": one.relation, "tail": one.tail, "file": one.file}
    told = {"source": SOURCE, "confidence": one.confidence, "resolution": "inferred"}
    return {**shared_columns(tables.triples, one.file), **ends, **spans, **told}


def _told_apart(rows: Sequence[Row]) -> list[Row]:
    """The rows, those that are candidates of one mention marked as such."""
    at: dict[Mention, list[Row]] = defaultdict(list)
    for row in rows:
        at[mention(row)].append(row)
    found: list[Row] = []
    for candidates in at.values():
        # Each was calibrated by itself, so that together they may come to more than one.
        total = max(1.0, sum(row["confidence"] for row in candidates))
        several = {"resolution": "ambiguous"} if len(candidates) > 1 else {}
        found += [{**row, **several, "confidence": row["confidence"] / total} for row in candidates]
    return found


def applied_text(graph: Path, done: Applied) -> str:
    """What became of the proposals, in one line."""
    skipped = ", ".join(f"{reason.replace('_', ' ')} {count}" for reason, count in done.skipped.items() if count)
    return f"added to {graph}: {len(done.added)}" + (f"; skipped: {skipped}" if skipped else "")
