"""The build_kg stage: parsed tables to entities, triples and a manifest."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graphmer.artifacts import TableWriter, atomic_folder, nested, open_table, sha256_file, write_json
from graphmer.corpus.parse.columns import python_values, whole
from graphmer.corpus.parse.schema import files_schema, references_schema, symbols_schema
from graphmer.errors import ArtifactError
from graphmer.executor import map_ordered
from graphmer.kg.config import GraphParams
from graphmer.kg.curated import add_curated
from graphmer.kg.entities import join_externals
from graphmer.kg.facts import Overlay
from graphmer.kg.join import joined_entities, joined_triples
from graphmer.kg.near_duplicates import NearDuplicate, near_duplicates
from graphmer.kg.package import PackageGraph, PackageTables, build_package
from graphmer.ontology.vocabulary import load_ontology

if TYPE_CHECKING:
    import pyarrow as pa

PARSED_TABLES = ("files", "symbols", "references")
CALL_OUTCOMES = ("seen", "exact", "inferred", "ambiguous", "external", "unresolved")


def build_graph(
    parsed: Path, out: Path, params: GraphParams, curated: Sequence[Path] = (), overlay: Overlay | None = None
) -> None:
    """Build the graph of all packages into the folder `out`: entities.parquet, triples.parquet, manifest.json.

    Files that nearly repeat one of another split are left out first. Facts that the ontology does not allow are kept:
    measuring them is validation's part.
    curated: CSV files of triples that people add. overlay: corrects each package's resolved references.
    Raises ArtifactError where a parsed table is missing or holds no code, and OntologyError on a bad curated row.
    """
    import pyarrow as pa

    files = open_table(parsed / "files.parquet", files_schema()).read(use_threads=False)
    files = files.append_column("row", pa.array(np.arange(len(files))))
    repeats = near_duplicates(files, params)
    removed = np.zeros(len(files), np.bool_)
    removed[[repeat.removed for repeat in repeats]] = True
    kept = files.filter(pa.array(~removed))
    tasks = list(_package_tables(kept, parsed))
    if not any("code" in python_values(task.files.column("kind")) for task in tasks):
        raise ArtifactError(f"{parsed}: no parsed code file; run dvc repro parse on a corpus that has some")
    # The largest first: what a process gets last decides how long the others wait.
    order = sorted(range(len(tasks)), key=lambda place: -tasks[place].files.nbytes)
    weights = [len(tasks[place].files) for place in order]
    results = map_ordered(
        partial(build_package, params=params, overlay=overlay),
        [tasks[place] for place in order],
        weights,
        "resolve",
        "file",
    )
    graphs = [graph for _, graph in sorted(zip(order, results, strict=True), key=lambda pair: pair[0])]
    externals, conflicts = join_externals([graph.externals for graph in graphs])
    entities, numbers = joined_entities(graphs, externals)
    triples = joined_triples(graphs, numbers, entities, files)
    triples, curated_counts = add_curated(triples, entities, kept, curated)
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
        "curated": curated_counts,
        "duplicates_collapsed": sum(graph.duplicates for graph in graphs),
        "dropped": dict(sorted(sum((graph.dropped for graph in graphs), Counter[str]()).items())),
        "external_type_conflicts": conflicts,
        **_near_duplicates(files, repeats),
    }
    if overlay is not None:
        manifest["overlay"] = dict(sorted(sum((graph.overlaid for graph in graphs), Counter[str]()).items()))
    with atomic_folder(out) as scratch:
        for name, table in (("entities", entities), ("triples", triples)):
            with TableWriter(scratch / f"{name}.parquet", table.schema) as writer:
                writer.write(table)
        write_json(scratch / "manifest.json", manifest)


def _package_tables(files: "pa.Table", parsed: Path) -> Iterator[PackageTables]:
    """One task for each package and split, sorted."""
    groups: dict[str, dict[str, list[int]]] = {}
    for name, schema in (("symbols", symbols_schema()), ("references", references_schema())):
        for package, numbers in _row_groups(parsed / f"{name}.parquet", schema).items():
            groups.setdefault(package, {})[name] = numbers
    statuses = python_values(files.column("status"))
    rows: dict[str, dict[str, list[int]]] = {}
    keys = zip(python_values(files.column("package")), python_values(files.column("split")), statuses, strict=True)
    for row, (package, split, status) in enumerate(keys):
        if status != "skipped":
            rows.setdefault(package, {}).setdefault(split, []).append(row)
    for package, splits in sorted(rows.items()):
        for split, chosen in sorted(splits.items()):
            yield PackageTables(
                package,
                has_repository=len(splits) == 1 or split == "train",
                files=files.take(chosen).combine_chunks(),
                parsed=Path(os.path.abspath(parsed)),  # a worker on another machine stands in another folder
                groups=groups.get(package, {}),
            )


def _row_groups(path: Path, schema: "pa.Schema") -> dict[str, list[int]]:
    """The row groups of each package; one that holds none of its rows is no harm."""
    file = open_table(path, schema)
    column = schema.names.index("package")
    groups: dict[str, list[int]] = {}
    for number in range(file.num_row_groups):
        group = file.metadata.row_group(number)
        if group.num_rows:
            statistics = group.column(column).statistics
            if statistics is None or statistics.min != statistics.max:
                raise ArtifactError(f"{path}: a row group of several packages; delete it and run dvc repro parse")
            groups.setdefault(statistics.min, []).append(number)
    return groups


def _counts(table: "pa.Table", outer: str, inner: str) -> dict[str, Any]:
    """Rows by two columns; an external that belongs to no language counts as `any`."""
    first, second = (whole(table.column(name)) for name in (outer, inner))
    counts: dict[str, dict[str, int]] = {}
    for (one, other), count in sorted(_pair_counts(first, second).items()):
        counts.setdefault(one, {})[other or "any"] = count
    return counts


def _pair_counts(first: "pa.Array", second: "pa.Array") -> dict[tuple[str, str], int]:
    import pyarrow as pa

    first, second = (
        column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode() for column in (first, second)
    )
    width = max(len(second.dictionary), 1)
    codes = first.indices.to_numpy().astype(np.int64) * width + second.indices.to_numpy()
    names, others = first.dictionary.to_pylist(), second.dictionary.to_pylist()
    found = Counter[tuple[str, str]]()
    for code, count in enumerate(np.bincount(codes).tolist()):
        if count:
            found[names[code // width], others[code % width]] += count
    return found


def _reasons(files: "pa.Table", status: str) -> dict[str, int]:
    pairs = zip(python_values(files.column("status")), python_values(files.column("reason")), strict=True)
    return dict(sorted(Counter(reason for found, reason in pairs if found == status).items()))


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


def _near_duplicates(files: "pa.Table", repeats: list[NearDuplicate]) -> dict[str, Any]:
    columns = {name: python_values(files.column(name)) for name in ("package", "file", "split")}
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
