"""The graph of one folder, without DVC or git: what `graphmer kg` writes.

entities, triples   .parquet or .jsonl; or graph.nt, both as N-Triples
manifest.json       as build_kg writes it, with what fetch left out under `left_out`
validation.json     every check of the ontology
.graphmer-cache/    parsed rows for the next run, unless they are kept elsewhere
"""

import dataclasses
import json
import os
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args
from urllib.parse import quote

from graphmer.artifacts import read_json, read_table, records, write_json, write_table
from graphmer.corpus.fetch import fetch_sources
from graphmer.corpus.fetch_config import FetchParams
from graphmer.corpus.licences import PROPRIETARY, declared_licence, parse_licence
from graphmer.corpus.parse.config import ParseParams
from graphmer.corpus.parse.schema import files_schema
from graphmer.corpus.pins import LANGUAGE_ENDINGS, NAME, Corpus, Source
from graphmer.errors import CorpusError, OntologyError
from graphmer.kg.build import build_graph
from graphmer.kg.config import GraphParams
from graphmer.kg.curated_rows import curated_files
from graphmer.kg.parse_cache import CACHE_FILES, ParseCounts, parse_folder
from graphmer.kg.predicted import carried_over, count_triples, read_earlier
from graphmer.kg.schema import entities_schema, triples_schema
from graphmer.kg.scip.index import read_index
from graphmer.kg.scip.overlay import ScipOverlay
from graphmer.kg.validate import measure_graph, read_tables
from graphmer.kg.validate_config import ValidateParams
from graphmer.params import load_section
from graphmer.writing import swapped

if TYPE_CHECKING:
    import pandas as pd

Format = Literal["parquet", "jsonl", "nt"]
Split = Literal["train", "by_module"]
CACHE = ".graphmer-cache"
NO_CODE = "give the root of a code base"
OUTPUTS = {
    CACHE,
    "manifest.json",
    "validation.json",
    "graph.nt",
    *(f"{table}.{ending}" for table in ("entities", "triples") for ending in ("parquet", "jsonl")),
}
RDF_TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
RDFS_LABEL = "<http://www.w3.org/2000/01/rdf-schema#label>"


class InvalidGraphError(OntologyError):
    """A graph that breaks a critical rule, and could be written all the same."""


@dataclass(frozen=True)
class FolderParams:
    """The sections of params.yaml that a graph alone needs."""

    fetch: FetchParams
    parse: ParseParams
    kg: GraphParams
    validate: ValidateParams

    @classmethod
    def of(cls, tree: Mapping[str, Any]) -> "FolderParams":
        """The sections of a parameter tree; raises ParamsError as `load_section` does."""
        return cls(
            load_section(tree, "fetch", FetchParams),
            load_section(tree, "parse", ParseParams),
            load_section(tree, "kg", GraphParams),
            load_section(tree, "validate", ValidateParams),
        )


@dataclass(frozen=True)
class FolderSource:
    """A folder as a source. Where empty, `name` is the folder's own and `licence` what the folder declares.

    licence: an SPDX expression, or LicenseRef-Proprietary for one's own closed code.  split: of all its triples, or
    by_module, which deals its modules out to train, val and test.  curated: CSV files, or folders of them, of triples
    to add.  scip: SCIP indices of the same folder, whose symbols decide what calls, bases and overrides mean.
    outputs: folders that may lie inside it and are written by the run, beside the graph's own: never read.
    """

    folder: Path
    name: str = ""
    licence: str = ""
    split: Split = "train"
    curated: tuple[Path, ...] = ()
    scip: tuple[Path, ...] = ()
    outputs: tuple[Path, ...] = ()


class FolderGraph(NamedTuple):
    """What a run says of itself: the manifest as written, and what depends on the earlier graph and the cache."""

    manifest: dict[str, Any]
    files: ParseCounts
    verdict: str  # what is wrong with the graph; empty where every check holds
    proposed: dict[str, int]  # a model's triples in the earlier graph: `kept`, or dropped by reason; empty without any


def graph_folder(
    code: FolderSource,
    out: Path,
    file_format: Format,
    params: FolderParams,
    cache: Path | None = None,
    keep_invalid: bool = False,
    note: Callable[[str], None] | None = None,
) -> FolderGraph:
    """Write the validated graph of a folder into `out`, which is replaced as a whole; for the sole writer of `out`.

    What `graphmer complete --apply` added to an earlier graph there is kept where its mention still stands.

    cache: keeps parsed rows for the next run, which then parses only what has changed; by default a folder in `out`.
    keep_invalid: write a graph that breaks a critical rule too; what is wrong with it is then told by the result.
    note: takes each line on what the checks found, in a graph that is written or not.
    Raises CorpusError where the folder, its licence, `out` or `cache` will not do, and InvalidGraphError where the
    graph breaks a critical rule; `out` is then as it was.
    """
    # A link is kept, and the folder that it leads to replaced; `.` has no name to lay a scratch folder beside.
    out = Path(os.path.realpath(out))
    cache = Path(os.path.realpath(cache)) if cache else None
    if cache is not None and (cache == out or out in cache.parents):
        raise CorpusError(f"--cache {cache}: lies in --out, which is replaced as a whole; name a folder elsewhere")
    source = source_of(code)
    _check_replaceable(out, OUTPUTS, "graph", "--out")
    earlier = cache or out / CACHE
    _check_replaceable(earlier, CACHE_FILES, "cache", "--cache")
    before = read_earlier(out, out / CACHE)
    added = [file for path in code.curated for file in curated_files(path)]
    fetch = dataclasses.replace(params.fetch, allow_proprietary=source.license == PROPRIETARY)
    with tempfile.TemporaryDirectory(prefix="graphmer-") as temporary, swapped(out) as scratch:
        work = Path(temporary)
        written = [out, scratch, earlier, *code.outputs]
        corpus = Corpus(source.name, (source,))
        fetch_sources(corpus, code.folder, work / "raw", fetch, work / "downloads", written, NO_CODE)
        with _named_after(code.folder, work / "raw"):
            files = parse_folder(work / "raw", work / "parsed", params.parse, earlier, cache or scratch / CACHE)
        index = read_index(code.scip, _texts(work / "parsed")) if code.scip else None
        overlay = ScipOverlay(index) if index is not None else None
        build_graph(work / "parsed", work / "kg", params.kg, added, overlay)
        tables = read_tables(work / "kg", work / "parsed")
        built: dict[str, Any] = read_json(work / "kg" / "manifest.json")
        proposed: dict[str, int] = {}
        if before is not None:
            tables, proposed = carried_over(tables, _digests(work / "parsed"), before)
        if proposed.get("kept"):
            count_triples(built, tables.triples)
            write_table(tables.triples, work / "kg" / "triples.parquet", triples_schema())
        figures, verdict, notes = measure_graph(tables, built, params.validate, fetch.licences)
        if note:
            for line in notes:
                note(line)
        if verdict and not keep_invalid:
            raise InvalidGraphError(verdict)
        write_json(scratch / "validation.json", figures)
        left_out = read_json(work / "raw" / "manifest.json")["sources"][0]["skipped"]
        manifest = {**built, "left_out": left_out}
        if index is not None:
            manifest["scip"] = dict(sorted({**index.counts, **manifest.pop("overlay")}.items()))
        _write_graph(work / "kg", scratch, file_format)
        write_json(scratch / "manifest.json", manifest)
    return FolderGraph(manifest, files, verdict, proposed)


@contextmanager
def _named_after(folder: Path, copy: Path) -> Iterator[None]:
    """What goes wrong with a copy is told of the folder that the user knows."""
    try:
        yield
    except CorpusError as error:
        raise CorpusError(str(error).replace(str(copy), str(folder))) from None


def _texts(parsed: Path) -> dict[str, str]:
    """The text of each parsed code file."""
    files = read_table(parsed / "files.parquet", files_schema(), ["file", "kind", "status", "text"])
    code = files[(files["kind"] == "code") & (files["status"] != "skipped")]
    return dict(zip(code["file"], code["text"], strict=True))


def _digests(parsed: Path) -> dict[str, str]:
    """SHA-256 of each parsed file's text."""
    files = read_table(parsed / "files.parquet", files_schema(), ["file", "sha256"])
    return dict(zip(files["file"], files["sha256"], strict=True))


def _check_replaceable(folder: Path, own: Collection[str], what: str, flag: str) -> None:
    """The folder is replaced as a whole: one that holds anything else is never touched."""
    if folder.is_dir():
        foreign = sorted(path.name for path in folder.iterdir() if path.name not in own)
        if foreign:
            raise CorpusError(
                f"{folder}: holds '{foreign[0]}', which is no {what}; give an empty or a new folder as {flag}"
            )
    elif folder.is_symlink():  # those that end somewhere have been followed
        raise CorpusError(f"{folder}: is a link that leads to itself; give a folder as {flag}")
    elif folder.exists():
        raise CorpusError(f"{folder}: is a file; give a folder as {flag}")


def source_of(code: FolderSource) -> Source:
    """The folder as a source; raises CorpusError where it, its name or its licence will not do."""
    folder = code.folder
    if not folder.is_dir():
        raise CorpusError(f"{folder}: no such folder; {NO_CODE}")
    package = code.name or folder.resolve().name
    if not NAME.fullmatch(package):
        raise CorpusError(f"{package!r}: expected a name of letters, digits, '.', '_' and '-'; give one with --name")
    expression = code.licence or declared_licence(folder)
    if not expression:
        raise CorpusError(
            f"{folder}: declares no licence; give one with --license (SPDX; {PROPRIETARY} for your own code)"
        )
    try:
        parsed = str(parse_licence(expression))
    except ValueError as error:
        raise CorpusError(f"{folder}: licence: {error}; give one with --license") from None
    return Source(
        where=str(folder),
        kind="path",
        name=package,
        version="0",
        license=parsed,
        languages=tuple(sorted(LANGUAGE_ENDINGS)),
        split=code.split,
        sha256="",
        url="",
        commit="",
        path=str(folder.resolve()),
        include=(),
        exclude=(),
    )


def _write_graph(kg: Path, out: Path, file_format: Format) -> None:
    assert file_format in get_args(Format), file_format
    if file_format == "parquet":
        for table in ("entities", "triples"):
            (out / f"{table}.parquet").write_bytes((kg / f"{table}.parquet").read_bytes())
        return
    entities = read_table(kg / "entities.parquet", entities_schema())
    triples = read_table(kg / "triples.parquet", triples_schema())
    if file_format == "jsonl":
        _write_lines(out / "entities.jsonl", _json_lines(entities))
        _write_lines(out / "triples.jsonl", _json_lines(triples))
    else:
        _write_lines(out / "graph.nt", _n_triples(entities, triples))


def _write_lines(path: Path, lines: Iterator[str]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(f"{line}\n" for line in lines)


def _json_lines(frame: "pd.DataFrame") -> Iterator[str]:
    for row in frame.to_dict(orient="records"):
        if "confidence" in row:
            row["confidence"] = round(row["confidence"], 6)  # kept in 32 bits: .9 would be .8999999761581421
        yield json.dumps(row, ensure_ascii=False, sort_keys=False)


def _n_triples(entities: "pd.DataFrame", triples: "pd.DataFrame") -> Iterator[str]:
    """Types and names of entities, then the triples (W3C N-Triples; IRIs are urn:graphmer:, percent-encoded)."""
    for row in records(entities):
        yield f"{_iri('entity', row.entity)} {RDF_TYPE} {_iri('type', row.type)} ."
        yield f"{_iri('entity', row.entity)} {RDFS_LABEL} {_literal(row.name)} ."
    for row in records(triples):
        yield f"{_iri('entity', row.head)} {_iri('relation', row.relation)} {_iri('entity', row.tail)} ."


def _iri(kind: str, symbol: str) -> str:
    return f"<urn:graphmer:{kind}:{quote(symbol, safe='')}>"


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'
