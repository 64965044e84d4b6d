"""The build_kg stage: parsed tables to entities, triples and a manifest."""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from graphmer.artifacts import atomic_folder, nested, read_table, sha256_file, write_json, write_table
from graphmer.corpus.parse.columns import arrow_table
from graphmer.corpus.parse.executor import map_ordered
from graphmer.corpus.parse.lines import LineIndex, with_lines, without_lines
from graphmer.corpus.parse.schema import files_schema, references_schema, symbols_schema
from graphmer.errors import ArtifactError
from graphmer.kg.config import GraphParams
from graphmer.kg.containment import Entity
from graphmer.kg.facts import ExternalEntity
from graphmer.kg.package import PackageGraph, PackageTables, build_package
from graphmer.kg.schema import entities_schema, triples_schema
from graphmer.kg.split import NearDuplicate, near_duplicates
from graphmer.ontology.vocabulary import load_ontology

if TYPE_CHECKING:
    import pandas as pd

PARSED_TABLES = ("files", "symbols", "references")
CALL_OUTCOMES = ("seen", "exact", "inferred", "ambiguous", "external", "unresolved")
# Where packages disagree on what an external is, the most telling type wins (the ontology's rule, then use).
EXTERNAL_PRECEDENCE = ("ExceptionType", "Interface", "Class", "Library", "Annotation", "API", "Type")


def build_graph(parsed: Path, out: Path, params: GraphParams) -> None:
    """Build the graph of all packages into the folder `out`: entities.parquet, triples.parquet, manifest.json.

    Files that nearly repeat one of another split are left out first. Facts that the ontology does not allow are kept:
    measuring them is validation's part.
    Raises ArtifactError where a parsed table is missing or holds no code.
    """
    files = read_table(parsed / "files.parquet", files_schema())
    repeats = near_duplicates(files, params)
    kept = files.drop(index=[repeat.removed for repeat in repeats])
    tasks = list(_package_tables(kept[kept["status"] != "skipped"], parsed))
    if not any((task.files["kind"] == "code").any() for task in tasks):
        raise ArtifactError(f"{parsed}: no parsed code file; run dvc repro parse on a corpus that has some")
    weights = [len(task.files) for task in tasks]
    graphs = list(map_ordered(partial(build_package, params=params), tasks, weights, "resolve", "file"))
    externals, conflicts = _join_externals(graph.externals for graph in graphs)
    entities = _entities(graphs, externals)
    triples = _triples(graphs)
    manifest = {
        "ontology_version": load_ontology().version,
        "inputs": {f"{name}.parquet": sha256_file(parsed / f"{name}.parquet") for name in PARSED_TABLES},
        "packages": _counts(kept, "package", "split"),
        "files": _counts(files, "language", "status"),
        "skipped": _reasons(files, "skipped"),
        "partial": _reasons(files, "partial"),
        "entities": _counts(entities, "type", "language"),
        "triples": _counts(triples, "relation", "language"),
        "calls": _calls(graphs),
        "duplicates_collapsed": sum(graph.duplicates for graph in graphs),
        "dropped": dict(sorted(sum((graph.dropped for graph in graphs), Counter[str]()).items())),
        "external_type_conflicts": conflicts,
        **_near_duplicates(files, repeats),
    }
    with atomic_folder(out) as scratch:
        write_table(entities, scratch / "entities.parquet", entities_schema())
        write_table(triples, scratch / "triples.parquet", triples_schema())
        write_json(scratch / "manifest.json", manifest)


def _package_tables(files: "pd.DataFrame", parsed: Path) -> Iterator[PackageTables]:
    """One task for each package and split, sorted."""
    symbols = read_table(parsed / "symbols.parquet", symbols_schema())
    references = read_table(parsed / "references.parquet", references_schema())
    symbol_rows = symbols.groupby("package").indices
    reference_rows = references.groupby("package").indices
    num_splits = files.groupby("package")["split"].nunique()
    for key, part in files.groupby(["package", "split"]):
        package, split = cast(tuple[str, str], key)
        own_symbols = symbols.iloc[symbol_rows.get(package, [])]
        own_references = references.iloc[reference_rows.get(package, [])]
        yield PackageTables(
            package,
            has_repository=num_splits[package] == 1 or split == "train",
            files=part.reset_index(drop=True),
            symbols=own_symbols[own_symbols["file"].isin(part["file"])].reset_index(drop=True),
            references=own_references[own_references["file"].isin(part["file"])].reset_index(drop=True),
        )


def _join_externals(parts: Iterable[list[ExternalEntity]]) -> tuple[list[ExternalEntity], int]:
    """Each external once, and how many had more than one type."""
    seen: dict[str, set[ExternalEntity]] = {}
    for part in parts:
        for external in part:
            seen.setdefault(external.entity, set()).add(external)
    conflicts = sum(len({external.type for external in group}) > 1 for group in seen.values())
    rank = {name: place for place, name in enumerate(EXTERNAL_PRECEDENCE)}
    joined = [
        min(group, key=lambda external: (rank.get(external.type, len(rank)), external)) for group in seen.values()
    ]
    return sorted(joined), conflicts


def _entities(graphs: list[PackageGraph], externals: list[ExternalEntity]) -> "pd.DataFrame":
    import pyarrow as pa

    rows = [
        Entity(symbol, kind, name, qualified, language, "", "", 0, 0, "", "", True)
        for symbol, kind, name, qualified, language in externals
    ]
    schema = entities_schema()
    nowhere = with_lines(arrow_table(rows, without_lines(schema)), LineIndex(files_schema().empty_table()), schema)
    table = pa.concat_tables([*(graph.entities for graph in graphs), nowhere])
    frame: pd.DataFrame = table.to_pandas().sort_values("entity", ignore_index=True)
    twice = frame.loc[frame["entity"].duplicated(), "entity"]
    assert twice.empty, f"{twice.iloc[0]}: two entities of one symbol"
    return frame


def _triples(graphs: list[PackageGraph]) -> "pd.DataFrame":
    import pyarrow as pa

    frame: pd.DataFrame = pa.concat_tables([graph.triples for graph in graphs]).to_pandas()
    return frame.sort_values(["head", "relation", "tail"], ignore_index=True)


def _counts(frame: "pd.DataFrame", outer: str, inner: str) -> dict[str, Any]:
    """Rows by two columns; an external that belongs to no language counts as `any`."""
    counts: dict[str, dict[str, int]] = {}
    for (first, second), count in sorted(Counter(zip(frame[outer], frame[inner])).items()):
        counts.setdefault(first, {})[second or "any"] = count
    return counts


def _reasons(files: "pd.DataFrame", status: str) -> dict[str, int]:
    return dict(sorted(Counter(files.loc[files["status"] == status, "reason"]).items()))


def _calls(graphs: list[PackageGraph]) -> dict[str, Any]:
    """What became of the calls, by language and package; a package cut by module is summed."""
    total: Counter[tuple[str, str, str]] = Counter()
    for graph in graphs:
        for language, calls in graph.calls.items():
            for outcome in (*CALL_OUTCOMES, *calls):
                total[language, graph.package, outcome] += 0
            for outcome, count in calls.items():
                total[language, graph.package, outcome] += count
    counts: dict[str, Any] = {}
    for (language, package, outcome), count in sorted(total.items()):
        counts.setdefault(language, {}).setdefault(package, {})[outcome] = count
    return counts


def _near_duplicates(files: "pd.DataFrame", repeats: list[NearDuplicate]) -> dict[str, Any]:
    columns = {name: files[name].tolist() for name in ("package", "file", "split")}
    pairs = Counter(f"{columns['split'][removed]}.{columns['split'][kept]}" for removed, kept, _ in repeats)
    removed_files = [
        {
            "removed": f"{columns['package'][removed]}:{columns['file'][removed]}",
            "kept": f"{columns['package'][kept]}:{columns['file'][kept]}",
            "jaccard": jaccard,
        }
        for removed, kept, jaccard in repeats
    ]
    return {"near_duplicates_removed": nested(dict(pairs)), "near_duplicate_files": removed_files}
