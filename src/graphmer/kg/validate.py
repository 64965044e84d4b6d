"""The validate_kg stage: every check of the ontology as a figure, and no metrics at all for an invalid graph."""

import csv
import io
import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from graphmer.artifacts import nested, read_json, read_table, records, write_json, write_text
from graphmer.corpus.parse.schema import files_schema, references_schema, symbols_schema
from graphmer.errors import OntologyError
from graphmer.kg import checks
from graphmer.kg.checks import Graph, Offender
from graphmer.kg.provenance import EXEMPT, provenance
from graphmer.kg.schema import entities_schema, triples_schema
from graphmer.kg.validate_config import ValidateParams
from graphmer.ontology.vocabulary import RESOLUTIONS, Ontology, load_ontology

if TYPE_CHECKING:
    import pandas as pd

RESOLVED = ("exact", "inferred", "external")


class Check(NamedTuple):
    """One check: the figure it gives, the bound it must keep, and what breaks it, each where it stands."""

    name: str
    figure: float
    bound: float | None
    at_most: bool
    offenders: list[str]

    @property
    def holds(self) -> bool:
        """Whether the figure keeps its bound; without one it does."""
        if self.bound is None:
            return True
        return self.figure <= self.bound if self.at_most else self.figure >= self.bound


class Tables(NamedTuple):
    """What a graph is checked on: its two tables, and the parsed ones that they were built from."""

    entities: "pd.DataFrame"
    triples: "pd.DataFrame"
    symbols: "pd.DataFrame"
    files: "pd.DataFrame"
    references: "pd.DataFrame"


class Measured(NamedTuple):
    """What the checks find. verdict: what the first one says that is past its bound; empty where all hold. notes: a
    line each on what breaks a check, with file and line, past its bound or not.
    """

    figures: dict[str, object]
    verdict: str
    notes: list[str]


def validate_graph(
    kg: Path, parsed: Path, metrics: Path, plot: Path, params: ValidateParams, licences: Collection[str]
) -> None:
    """Check the graph in `kg` and write its figures to `metrics` and its relations to `plot`.

    licences: the SPDX identifiers that a corpus may hold. Offenders go to standard error with file and line.
    Raises ArtifactError where an input is missing or damaged; `metrics` is then as it was. Raises OntologyError past a
    bound, with the first offender; then no metrics file is left, so that nothing can be packed from this graph.
    """
    tables = read_tables(kg, parsed)
    manifest = read_json(kg / "manifest.json")
    metrics.unlink(missing_ok=True)  # all is read: from here on the old figures are of another graph
    measured = measure_graph(tables, manifest, params, licences)
    for line in measured.notes:
        print(line, file=sys.stderr)
    if measured.verdict:
        raise OntologyError(measured.verdict)
    write_text(plot, relations_table(tables.triples))
    write_json(metrics, measured.figures)


def measure_graph(
    tables: Tables, manifest: Mapping[str, Any], params: ValidateParams, licences: Collection[str]
) -> Measured:
    """What the checks find in a graph.

    manifest: as build_kg wrote it. Raises OntologyError where there is nothing to check.
    """
    ontology = load_ontology()
    entities, triples = tables.entities, tables.triples
    if triples.empty:
        raise OntologyError("triples.parquet: no triple; the corpus has no code that could be resolved")
    graph = build_view(tables)
    results = run_checks(graph, tables, ontology, params, licences)
    failed = [check for check in results if not check.holds]
    figures: dict[str, object] = {"triples": len(triples), "entities": len(entities)}
    figures |= {check.name: check.figure for check in results if check.name != "triples"}
    verdict = _verdict(failed[0]) if failed else ""
    return Measured(nested(figures | _manifest_figures(manifest)), verdict, _notes(results, params))


def read_tables(kg: Path, parsed: Path) -> Tables:
    """What a graph is checked on; raises ArtifactError where a table is missing or damaged."""
    return Tables(
        entities=read_table(kg / "entities.parquet", entities_schema()),
        triples=read_table(kg / "triples.parquet", triples_schema()),
        symbols=read_table(parsed / "symbols.parquet", symbols_schema(), ["symbol", "modifiers"]),
        files=read_table(parsed / "files.parquet", files_schema(), ["package", "file", "split", "text"]),
        references=read_table(parsed / "references.parquet", references_schema(), ["package", "kind", "name", "value"]),
    )


def build_view(tables: Tables) -> Graph:
    """The graph as the checks see it."""
    entities, triples, symbols = tables.entities, tables.triples, tables.symbols
    split = {(row.package, row.file): row.split for row in records(tables.files[["package", "file", "split"]])}
    internal = entities[~entities["external"] & (entities["file"] != "")]
    return Graph(
        triples=triples.reset_index(drop=True).assign(Index=range(len(triples))),
        types=_mapping(entities, "entity", "type"),
        names=_mapping(entities, "entity", "name"),
        signatures=_mapping(entities, "entity", "signature"),
        modifiers=_mapping(symbols, "symbol", "modifiers"),
        split_of={
            entity: split[package, file]
            for entity, package, file in zip(
                *(internal[name].tolist() for name in ("entity", "package", "file")), strict=True
            )
            if (package, file) in split
        },
    )


def _mapping(frame: "pd.DataFrame", key: str, value: str) -> dict[str, str]:
    return dict(zip(frame[key].tolist(), frame[value].tolist(), strict=True))


def run_checks(
    graph: Graph, tables: Tables, ontology: Ontology, params: ValidateParams, licences: Collection[str]
) -> list[Check]:
    """Every check, each with its figure and what breaks it."""
    count = len(graph.rows)

    def share(name: str, bound: float | None, offenders: list[Offender], among: int = count) -> Check:
        return Check(name, 1.0 - len(offenders) / max(among, 1), bound, False, _places(graph, offenders))

    relation_counts = Counter(row.relation for row in graph.rows)
    acyclic = sum(relation_counts[relation.name] for relation in ontology.relations.values() if relation.acyclic)
    shown = sum(number for name, number in relation_counts.items() if name not in EXEMPT)
    results = [
        Check("triples", float(count), float(params.min_triples), False, []),
        share("domain_range", params.domain_range, checks.domain_range(graph, ontology)),
        share("acyclicity", params.acyclicity, checks.acyclicity(graph, ontology), acyclic),
        *_signatures(graph, params),
        share("licence", params.licence, checks.licence(graph, licences)),
        share("constraints", params.constraints, checks.constraints(graph, ontology)),
        share("provenance", params.provenance, provenance(graph, tables.files, tables.references), shown),
        share("leakage", params.leakage, checks.leakage(graph)),
    ]
    repeated = checks.duplicates(graph)
    results.append(Check("duplicates", float(len(repeated)), float(params.duplicates), True, _places(graph, repeated)))
    return results + _coverage(graph, tables.entities, ontology, params)


def _signatures(graph: Graph, params: ValidateParams) -> list[Check]:
    found = []
    for language, bound in (("java", params.signature_java), ("python", params.signature_python)):
        overrides = sum(row.relation == "overrides" and row.language == language for row in graph.rows)
        if overrides:
            offenders = checks.signature(graph, language)
            share = 1.0 - len(offenders) / overrides
            found.append(Check(f"signature.{language}", share, bound, False, _places(graph, offenders)))
    return found


def _coverage(graph: Graph, entities: "pd.DataFrame", ontology: Ontology, params: ValidateParams) -> list[Check]:
    used = {end for row in graph.rows for end in (row.head, row.tail)}
    orphans = [
        f"{row.package}/{row.file}:{row.line_start}: {row.entity}: no triple has it as an end"
        for row in records(entities[~entities["entity"].isin(used)])
    ]
    types, relations = set(entities["type"]), {row.relation for row in graph.rows}
    return [
        Check("orphans", len(orphans) / max(len(entities), 1), params.orphans, True, orphans),
        _covered("entity_coverage", params.entity_coverage, ontology.entity_types, types),
        _covered("relation_coverage", params.relation_coverage, ontology.stored_relations, relations),
    ]


def _covered(name: str, bound: float | None, wanted: Sequence[str], present: Collection[str]) -> Check:
    """The share of the ontology's words that occur; a word that does not has no place, so all stand on one line."""
    missing = [word for word in wanted if word not in present]
    offenders = [f"the graph has no {', '.join(missing)}"] if missing else []
    return Check(name, 1.0 - len(missing) / len(wanted), bound, False, offenders)


def _manifest_figures(manifest: Mapping[str, Any]) -> dict[str, object]:
    """What the builder counted: files, skips, near-duplicates, and how many calls were resolved."""
    figures: dict[str, object] = {"files": sum(sum(by.values()) for by in manifest["files"].values())}
    figures |= {f"skipped.{reason}": number for reason, number in sorted(manifest["skipped"].items())}
    removed = manifest["near_duplicates_removed"]  # by the split that lost the file, then the split that kept its twin
    figures["near_duplicates_removed"] = sum(sum(by.values()) for by in removed.values())
    for language, packages in sorted(manifest["calls"].items()):
        total: Counter[str] = Counter()
        for counts in packages.values():
            total.update(counts)
        if total["seen"]:
            figures[f"resolution_rate.{language}"] = sum(total[name] for name in RESOLVED) / total["seen"]
    return figures


def relations_table(triples: "pd.DataFrame") -> str:
    """CSV of triples by relation and language, and how sure they are."""
    counts = Counter(zip(triples["relation"], triples["language"], triples["resolution"], strict=True))
    pairs = sorted({(relation, language) for relation, language, _ in counts})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["relation", "language", "triples", *RESOLUTIONS])
    for relation, language in pairs:
        numbers = [counts[relation, language, how] for how in RESOLUTIONS]
        writer.writerow([relation, language, sum(numbers), *numbers])
    return text.getvalue()


def _places(graph: Graph, offenders: list[Offender]) -> list[str]:
    found = []
    for offender in offenders:
        row = graph.rows[offender.row]
        place = f"{row.package}/{row.file}:{row.line_start}"
        found.append(f"{place}: {row.head} {row.relation} {row.tail}: {offender.reason}")
    return found


def _notes(results: list[Check], params: ValidateParams) -> list[str]:
    found = []
    for check in results:
        found += [f"{check.name}: {offender}" for offender in check.offenders[: params.offenders_shown]]
        if len(check.offenders) > params.offenders_shown:
            found.append(f"{check.name}: {len(check.offenders) - params.offenders_shown} more")
    return found


def _verdict(check: Check) -> str:
    sign = "at most" if check.at_most else "at least"
    first = f"; first: {check.offenders[0]}" if check.offenders else ""
    remedy = f"mend the source or the resolver, or move validate.{check.name.replace('.', '_')} in params.yaml"
    return f"{check.name} is {check.figure:.4f}, expected {sign} {check.bound:g}{first}; {remedy}"
