"""The traced packages of one split: their functions, their calls, and their call sites with every scorer's columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphmer.evaluate.call_sites import CallSite, PackageFunctions, Parsed, call_sites, read_parsed
from graphmer.evaluate.link_config import LinkParams
from graphmer.evaluate.link_prediction import LinkData
from graphmer.evaluate.package_view import build_views
from graphmer.evaluate.queries import FloatArray, LinkQueries
from graphmer.evaluate.scorer import NeuralScorer
from graphmer.evaluate.site_features import neural_columns, place_sites, site_queries, symbolic_matrices
from graphmer.evaluate.traces import Edge, Trace, canonical, load_traces
from graphmer.pack.shards import SplitArrays


@dataclass(frozen=True)
class ScoredSite:
    """A site whose head ran. names: (P,) candidates. symbolic: (P, F). neural: (P, K). is_live: a line of it ran."""

    site: CallSite
    names: tuple[str, ...]
    symbolic: FloatArray
    neural: FloatArray
    is_live: bool


@dataclass(frozen=True)
class TracedPackage:
    """truth: traced edges between the package's own functions outside tests, with the lines of their calls.

    static: {edge: whether a line of it ran} that analysis proved from functions that ran. descends: {function: those
    that it overrides, directly or not}. unplaced: sites that no packed window shows.
    """

    package: str
    truth: Mapping[Edge, frozenset[int]]
    static: Mapping[Edge, bool]
    descends: Mapping[str, frozenset[str]]
    sites: Sequence[ScoredSite]
    unplaced: int

    @property
    def callers(self) -> frozenset[str]:
        """Functions whose calls are asked about or counted."""
        return frozenset({caller for caller, _ in (*self.truth, *self.static)} | {one.site.head for one in self.sites})


def traced_packages(
    traces_folder: Path, parsed_folder: Path, data: LinkData, neural: NeuralScorer, params: LinkParams
) -> dict[str, list[TracedPackage]]:
    """{split: traced packages, by name} of val and test; a split none of whose packages is traced has an empty list.

    Functions that repeat one of an earlier split (data.repeated) call nothing here: neither site nor edge is asked.
    Raises EvaluationError where a trace is of other source than the graph's.
    """
    of_split = {split: set(arrays.samples["package"]) for split, arrays in data.splits.items()}
    named = {path.parent.name for path in traces_folder.glob("*/provenance.json")}
    parsed = read_parsed(parsed_folder, named & set().union(*of_split.values()))
    traces = load_traces(traces_folder, parsed.files, data.entity_table)
    found = {}
    for split, packages in of_split.items():
        mine = [traces[name].without(data.repeated) for name in sorted(traces) if name in packages]
        found[split] = _of_split(split, mine, parsed, data, neural, params)
    return found


def _of_split(
    split: str, traces: Sequence[Trace], parsed: Parsed, data: LinkData, neural: NeuralScorer, params: LinkParams
) -> list[TracedPackage]:
    if not traces:
        return []
    rows = {symbol: row for row, symbol in reversed(list(enumerate(data.entities.symbols)))}
    rows |= {canonical(symbol): row for symbol, row in rows.items() if canonical(symbol) not in rows}
    functions = {
        trace.package: PackageFunctions(trace.package, parsed, data.entity_table, data.triples) for trace in traces
    }
    every = {trace.package: _asked(call_sites(functions[trace.package], parsed), trace) for trace in traces}
    flat = [site for sites in every.values() for site in sites]
    placed = place_sites(flat, data.splits[split])
    queries, arrays = site_queries(split, flat, placed, data, rows)
    symbolic = _symbolic(split, arrays, queries, data, params)
    columns = neural_columns(queries, neural)
    scored: dict[str, list[ScoredSite]] = {trace.package: [] for trace in traces}
    lines = {trace.package: trace.lines for trace in traces}
    for query, number in enumerate(placed.site.tolist()):
        site = flat[number]
        names = tuple(canonical(data.entities.symbols[row]) for row in queries.candidates(query))
        is_live = any((site.file, line) in lines[site.package] for _, _, line in site.spans)
        scored[site.package].append(ScoredSite(site, names, symbolic[query], columns[query], is_live))
    return [_package(trace, functions[trace.package], every[trace.package], scored[trace.package]) for trace in traces]


def _asked(sites: Sequence[CallSite], trace: Trace) -> list[CallSite]:
    """Sites of functions that ran, where there is something to choose or to add to what is proved."""
    return [site for site in sites if site.head in trace.ran and (len(site.candidates) > 1 or not site.proved)]


def _symbolic(
    split: str, arrays: SplitArrays, queries: LinkQueries, data: LinkData, params: LinkParams
) -> dict[int, FloatArray]:
    asked = {key.partition(":")[0] for key in queries.pool}
    found: dict[int, FloatArray] = {}
    for view in build_views(data.splits[split], data.entities, data.entity_table, data.triples, data.tokenizer):
        if view.package in asked:
            found |= symbolic_matrices(view, arrays, queries, params)
    return found


def _package(
    trace: Trace, functions: PackageFunctions, sites: Sequence[CallSite], scored: list[ScoredSite]
) -> TracedPackage:
    own = functions.functions
    spelt: dict[Edge, set[int]] = {}
    for site in sites:
        for name in site.candidates:
            spelt.setdefault((site.head, name), set()).update(line for _, _, line in site.spans)
    static = {}
    for head, rows in sorted(functions.proved().items()):
        for tail, row in sorted(rows.items()) if head in trace.ran else ():
            lines = {row.line_start} | spelt.get((head, tail), set())
            static[head, tail] = any((row.file, line) in trace.lines for line in lines)
    return TracedPackage(
        package=trace.package,
        truth={edge: lines for edge, lines in trace.edges.items() if edge[0] in own and edge[1] in own},
        static=static,
        descends=descendants(functions.overridden),
        sites=scored,
        unplaced=len(sites) - len(scored),
    )


def descendants(overridden: set[Edge]) -> dict[str, frozenset[str]]:
    """{method: every method that it overrides, through several levels}."""
    direct: dict[str, set[str]] = {}
    for head, tail in overridden:
        direct.setdefault(head, set()).add(tail)
    found = {}
    for method in direct:
        reached: set[str] = set()
        level = set(direct[method])
        while level:
            reached |= level
            level = {base for name in level for base in direct.get(name, ())} - reached
        found[method] = frozenset(reached)
    return found


def matrix(packages: Sequence[TracedPackage]) -> FloatArray:
    """(n, F + K) columns of every candidate of every site, in order."""
    parts = [np.hstack([scored.symbolic, scored.neural]) for package in packages for scored in package.sites]
    return np.concatenate(parts).astype(np.float64)
