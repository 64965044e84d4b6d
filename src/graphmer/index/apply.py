"""`graphmer complete --apply`: proposals become triples of a graph folder, and never in a static fact's place.

A triple that the graph has already, in whatever way, stays as it is; one that would break a rule of the ontology is
refused. Both are counted. The graph is checked as a whole before it takes the old one's place.
"""

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from graphmer.artifacts import read_json, read_table, write_json, write_table
from graphmer.corpus.licences import PROPRIETARY
from graphmer.corpus.parse.schema import files_schema
from graphmer.errors import ArtifactError, OntologyError
from graphmer.index.complete import SOURCE, Proposal
from graphmer.kg import checks
from graphmer.kg.folder_graph import CACHE, FolderParams
from graphmer.kg.provenance import provenance
from graphmer.kg.schema import triples_schema
from graphmer.kg.validate import Tables, build_view, measure_graph, read_tables
from graphmer.ontology.vocabulary import load_ontology
from graphmer.writing import sole_writer, swapped

if TYPE_CHECKING:
    import pandas as pd

KEY = ["head", "relation", "tail"]
REMADE = "make it again with graphmer kg PATH --out FOLDER"


class Applied(NamedTuple):
    """What became of the proposals. added: written. skipped: how many were not, by reason."""

    added: list[Proposal]
    skipped: dict[str, int]


def apply_proposals(graph: Path, code: Path, proposals: Sequence[Proposal], params: FolderParams) -> Applied:
    """Add the proposals to the graph in `graph`, which `graphmer kg` wrote; it is replaced as a whole.

    code: the parsed tables that the proposals' places count in. Reasons to skip: `there` already, `unknown_symbol`,
    `other_code` (the graph was built from another text of the file), `breaks_a_rule`.
    Raises ArtifactError where the folder holds no such graph or one of another ontology version, and OntologyError
    where the graph would not be valid; the folder is then as it was.
    """
    graph = graph.resolve()
    _checked(graph)  # before a lock is laid beside it
    with sole_writer(graph):  # read within it: what another run adds before is kept
        parsed = _checked(graph)
        tables = read_tables(graph, parsed)
        manifest: dict[str, Any] = read_json(graph / "manifest.json")
        fresh, skipped = _fitting(tables, proposals, _same_files(code, parsed))
        rows = [_row(one, tables.triples) for one in fresh]
        added, wider = _sound(tables, fresh, rows, skipped)
        if added:
            _write(graph, wider, manifest, params)
    reasons = ("there", "unknown_symbol", "other_code", "breaks_a_rule")
    return Applied(added, {reason: skipped[reason] for reason in reasons})


def _write(graph: Path, wider: Tables, manifest: dict[str, Any], params: FolderParams) -> None:
    """Replace the graph by one with these triples; raises OntologyError where that would not be valid."""
    with swapped(graph) as scratch:
        shutil.copytree(graph, scratch, dirs_exist_ok=True)
        _count(manifest, wider.triples)
        allowed = [*params.fetch.licences, *({PROPRIETARY} & set(wider.triples["license"]))]
        figures, verdict = measure_graph(wider, manifest, params.validate, allowed)
        if verdict:
            raise OntologyError(f"{graph}: {verdict}")
        write_table(wider.triples, scratch / "triples.parquet", triples_schema())
        write_json(scratch / "validation.json", figures)
        write_json(scratch / "manifest.json", manifest)


def _checked(graph: Path) -> Path:
    """The parsed tables of a graph folder that can be written to."""
    if not (graph / "triples.parquet").is_file() or not (graph / "manifest.json").is_file():
        raise ArtifactError(f"{graph}: no graph in Parquet; {REMADE}")
    if not (graph / CACHE / "files.parquet").is_file():
        raise ArtifactError(f"{graph}: holds no parsed rows to check the graph on ({CACHE}); {REMADE}, without --cache")
    found, version = read_json(graph / "manifest.json").get("ontology_version"), load_ontology().version
    if found != version:
        raise ArtifactError(f"{graph}: a graph of ontology {found}, expected {version}; {REMADE}")
    return graph / CACHE


def _same_files(code: Path, parsed: Path) -> set[str]:
    """Files whose text is the same in both."""
    one, other = (
        set(table.itertuples(index=False, name=None))
        for table in (
            read_table(folder / "files.parquet", files_schema(), ["file", "sha256"]) for folder in (code, parsed)
        )
    )
    return {str(file) for file, _ in one & other}


def _fitting(tables: Tables, proposals: Sequence[Proposal], files: set[str]) -> "tuple[list[Proposal], Counter[str]]":
    """The proposals that could be added, and the others counted by reason."""
    symbols = set(tables.entities["entity"])
    present = set(tables.triples[KEY].itertuples(index=False, name=None))
    fresh: list[Proposal] = []
    skipped: Counter[str] = Counter()
    for one in proposals:
        if (one.head, one.relation, one.tail) in present:
            skipped["there"] += 1
        elif one.head not in symbols or one.tail not in symbols:
            skipped["unknown_symbol"] += 1
        elif one.file not in files:
            skipped["other_code"] += 1
        else:
            fresh.append(one)
    return fresh, skipped


def _row(one: Proposal, triples: "pd.DataFrame") -> dict[str, object]:
    """A row of triples.parquet; what holds of the whole package is read off a triple of the same file."""
    beside = triples[triples["file"] == one.file].iloc[0]
    shared = {name: beside[name] for name in ("language", "package", "version", "license", "split")}
    spans = {"line_start": one.line, "line_end": one.line, "byte_start": one.byte_start, "byte_end": one.byte_end}
    ends = {"head": one.head, "relation": one.relation, "tail": one.tail, "file": one.file}
    return {**shared, **ends, **spans, "source": SOURCE, "confidence": one.confidence, "resolution": "inferred"}


def _sound(
    tables: Tables, fresh: Sequence[Proposal], rows: Sequence[dict[str, object]], skipped: "Counter[str]"
) -> tuple[list[Proposal], Tables]:
    """The proposals that break no rule beside the graph and each other, and the tables with them."""
    kept = _within_limits(tables, fresh)
    while True:
        wider = _widened(tables, [rows[number] for number in kept])
        broken = _offending(wider)
        sound = [
            number for number in kept if (fresh[number].head, fresh[number].relation, fresh[number].tail) not in broken
        ]
        if len(sound) == len(kept):
            skipped["breaks_a_rule"] += len(fresh) - len(kept)
            return [fresh[number] for number in kept], wider
        kept = sound


def _within_limits(tables: Tables, fresh: Sequence[Proposal]) -> list[int]:
    """Numbers of the proposals whose head may still have a tail more in their relation, the first ones first."""
    types = dict(zip(tables.entities["entity"], tables.entities["type"], strict=True))
    languages = dict(zip(tables.entities["entity"], tables.entities["language"], strict=True))
    settled = tables.triples[tables.triples["resolution"] != "ambiguous"]
    counts = Counter(zip(settled["head"], settled["relation"], strict=True))
    kept = []
    for number, one in enumerate(fresh):
        limit = load_ontology().relations[one.relation].limit(languages[one.head], types[one.head])
        if limit is None or counts[one.head, one.relation] < limit:
            counts[one.head, one.relation] += 1
            kept.append(number)
    return kept


def _widened(tables: Tables, rows: Sequence[dict[str, object]]) -> Tables:
    import pandas as pd

    if not rows:
        return tables
    added = pd.DataFrame(rows).astype({"confidence": "float32"})[list(tables.triples.columns)]
    joined = pd.concat([tables.triples, added], ignore_index=True)
    return tables._replace(triples=joined.sort_values(KEY, kind="stable", ignore_index=True))


def _offending(tables: Tables) -> set[tuple[str, str, str]]:
    """Triples of ours that break a rule."""
    graph, ontology = build_view(tables), load_ontology()
    found = [*checks.domain_range(graph, ontology), *checks.acyclicity(graph, ontology)]
    found += [*checks.constraints(graph, ontology), *provenance(graph, tables.files, tables.references)]
    found += checks.duplicates(graph)
    rows = (graph.rows[offender.row] for offender in found)
    return {(row.head, row.relation, row.tail) for row in rows if row.source == SOURCE}


def _count(manifest: dict[str, Any], triples: "pd.DataFrame") -> None:
    """Make the manifest say what the table holds."""
    counted: dict[str, dict[str, int]] = {}
    for (relation, language), part in triples.groupby(["relation", "language"], sort=True):
        counted.setdefault(str(relation), {})[str(language)] = len(part)
    manifest["triples"] = counted
    manifest[SOURCE] = {"added": int((triples["source"] == SOURCE).sum())}


def applied_text(graph: Path, done: Applied) -> str:
    """What became of the proposals, in one line."""
    skipped = ", ".join(f"{reason.replace('_', ' ')} {count}" for reason, count in done.skipped.items() if count)
    return f"added to {graph}: {len(done.added)}" + (f"; skipped: {skipped}" if skipped else "")
