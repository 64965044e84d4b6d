"""`graphmer index`: a folder's graph, and a trained model's vectors over it, replaced as a whole or not at all."""

import dataclasses
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import Any, NamedTuple

import numpy as np

from graphmer.artifacts import read_table, sha256_file, write_json, write_table, write_text
from graphmer.errors import ArtifactError, CorpusError
from graphmer.evaluate.config import EvalParams
from graphmer.evaluate.neural import TEXT_TOKENS, WINDOWS_AT_ONCE
from graphmer.evaluate.record import parameters_digest
from graphmer.index.fit import can_fit, fit_scoring
from graphmer.index.functions import (
    function_vectors,
    functions_schema,
    functions_table,
    key_vectors,
    neighbour_names,
    read_functions,
)
from graphmer.index.lexicon import Lexicon
from graphmer.index.scoring import Scoring, packed_digest, scoring_beside
from graphmer.index.store import GRAPH_FILES, INDEX_VERSION, MANIFEST, Index, check_scoring
from graphmer.index.windows import model_limits, pack_graph
from graphmer.kg.folder_graph import FolderParams, FolderSource, graph_folder, source_of
from graphmer.kg.schema import entities_schema, triples_schema
from graphmer.model.checkpoint import load_model, model_digest
from graphmer.model.plain import CodeEncoder
from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.config import PackParams
from graphmer.pack.tokenizer import CodeTokenizer
from graphmer.writing import replaced

PARSED = "parsed"


@dataclass(frozen=True)
class IndexParams:
    """The sections of params.yaml that an index needs."""

    folder: FolderParams
    pack: PackParams
    eval: EvalParams


@dataclass(frozen=True)
class ScoringSource:
    """Where the weights come from. file: named by the user. data: what they are fitted on where no file has them."""

    file: Path | None = None
    data: Path | None = None


class Indexed(NamedTuple):
    """What a run says of itself: the manifest as written, files parsed, and functions encoded in this run."""

    manifest: dict[str, Any]
    parsed: int
    cached: int
    encoded: int


def build_index(
    code: FolderSource, model: Path, out: Path, params: IndexParams, scoring: ScoringSource = ScoringSource()
) -> Indexed:
    """Write the index of a folder into `out`, which is replaced as a whole.

    An earlier index there gives the parsed rows of files, and the vectors of functions and entities, that have not
    changed. Raises GraphmerError in one line where something will not do, OSError where `out` cannot be written; `out`
    is then as it was.
    """
    # Through links a path up and down leads elsewhere, and `.` has no name to lay a scratch folder beside.
    out, model = out.resolve(), model.resolve()
    _check_replaceable(out)
    limits = model_limits(model, params.pack)
    source_of(code)  # before the minutes that scoring may take
    with replaced(out) as scratch:
        weights = _scoring(model, scoring, params.eval)
        earlier = out if (out / MANIFEST).is_file() else None
        if earlier and (earlier / PARSED).is_dir():
            copytree(earlier / PARSED, scratch / PARSED)
        graph, parsed = scratch / "graph", scratch / PARSED
        within = dataclasses.replace(code, outputs=(out, scratch))
        built = graph_folder(within, graph, "parquet", params.folder, parsed)
        names, count, encoded = _encode(scratch, graph, parsed, model, limits, params, earlier)
        weights.save(scratch / "scoring.json")
        manifest = {
            "index_version": INDEX_VERSION,
            "ontology_version": load_ontology().version,
            "model": model_digest(model),
            # Seen from the index, so that it opens from any folder and names no absolute path.
            "model_folder": Path(os.path.relpath(model, out)).as_posix(),
            "tokenizer": sha256_file(model / "tokenizer.json"),
            "graph": {name: sha256_file(graph / name) for name in GRAPH_FILES},
            "functions": count,
            "entities": names,
            "triples": sum(sum(counts.values()) for counts in built.manifest["triples"].values()),
        }
        write_json(scratch / MANIFEST, manifest)
        write_text(scratch / ".gitignore", "*\n")  # made of the code beside it, and larger
    return Indexed(manifest, built.files.parsed, built.files.cached, encoded)


def _encode(
    scratch: Path, graph: Path, parsed: Path, model: Path, limits: PackParams, params: IndexParams, earlier: Path | None
) -> tuple[int, int, int]:
    """Write windows, vectors and words; returns the entities, the functions, and how many of these were encoded."""
    _, names = pack_graph(parsed, graph, model, scratch / "packed", limits)
    encoder = CodeEncoder(load_model(model), CodeTokenizer.load(model / "tokenizer.json"), TEXT_TOKENS, WINDOWS_AT_ONCE)
    entities = read_table(graph / "entities.parquet", entities_schema(), ["entity", "name"])
    triples = read_table(graph / "triples.parquet", triples_schema(), ["head", "relation", "tail", "resolution"])
    functions = read_functions(parsed, frozenset(entities["entity"]))
    if not functions:
        raise CorpusError(f"{graph}: the code defines no function, so there is nothing to search; index another folder")
    near = neighbour_names(functions, triples, dict(zip(entities["entity"], entities["name"], strict=True)))
    known = _Known(earlier, model)
    vectors, encoded = function_vectors(encoder, functions, known.functions)
    np.save(scratch / "functions.npy", vectors, allow_pickle=False)
    np.save(scratch / "keys.npy", key_vectors(encoder, names, known.keys), allow_pickle=False)
    write_table(functions_table(functions, near), scratch / "functions.parquet", functions_schema())
    search = params.eval.code_search
    documents = [one.tokens for one in functions]
    Lexicon.build(documents, search.bm25_k1, search.bm25_b).save(scratch / "lexicon")
    return len(entities), len(functions), encoded


class _Known:
    """Vectors of an earlier index, by content; none where there is no index or another model made it."""

    def __init__(self, earlier: Path | None, model: Path) -> None:
        self.functions: dict[str, Any] = {}
        self.keys: dict[bytes, Any] = {}
        if earlier is None:
            return
        try:
            index = Index.open(earlier, model)
            digests, vectors = index.functions["digest"], index.function_vectors
            tokens, keys = index.entity_arrays.key_token, index.key_vectors
        except ArtifactError as error:
            print(f"graphmer index: nothing reused: {error}", file=sys.stderr)
            return
        self.functions = dict(zip(digests, vectors, strict=True))
        self.keys = {row.tobytes(): vector for row, vector in zip(tokens, keys, strict=True)}


def _scoring(model: Path, source: ScoringSource, params: EvalParams) -> Scoring:
    """The named file's weights, else those kept beside the model, else fitted now and kept there.

    Kept ones that were fitted with other parameters or data are fitted again where the data are there.
    Raises ArtifactError where weights do not fit the model, the parameters or the data and cannot be fitted again.
    """
    data, kept = source.data or model.parent, scoring_beside(model)
    if source.data is not None and not source.data.is_dir():
        raise ArtifactError(f"{data}: no such folder; name the one with packed/, kg/ and parsed/ by --data")
    path = source.file or kept
    if path.is_file() or source.file:
        scoring = Scoring.load(path)
        check_scoring(scoring, path, model_digest(model))
        stale = _stale(scoring, data, params)
        if not stale:
            return scoring
        if source.file or not can_fit(data):
            raise ArtifactError(
                f"{path}: fitted with other {stale} than now; {_refit(source.file, data)}, or go back to those"
            )
        print(f"graphmer index: {path}: fitted with other {stale} than now", file=sys.stderr)
    print(f"graphmer index: fitting the scoring of {model} on {data}, once; kept in {kept}", file=sys.stderr)
    scoring = fit_scoring(model, data, params)
    scoring.save(kept)
    return scoring


def _stale(scoring: Scoring, data: Path, params: EvalParams) -> str:
    """What a scoring was fitted with that is another now, or nothing; data that are not here say nothing."""
    parts = []
    if scoring.eval != parameters_digest(params):
        parts.append("parameters (section eval)")
    if packed_digest(data) not in ("", scoring.packed):
        parts.append(f"data ({data}/packed)")
    return " and ".join(parts)


def _refit(named: Path | None, data: Path) -> str:
    """How to fit the weights again, in words."""
    if named:
        return "leave --scoring out, and the weights beside the model are taken or fitted"
    return f"to fit it again name a folder with packed/, kg/ and parsed/ by --data ({data} is none)"


def _check_replaceable(out: Path) -> None:
    """The folder is replaced as a whole: one that holds anything but an index is never touched."""
    if out.is_dir():
        if any(out.iterdir()) and not (out / MANIFEST).is_file():
            raise CorpusError(f"{out}: holds files and is no index; give an empty or a new folder as --out")
    elif out.exists():
        raise CorpusError(f"{out}: is a file; give a folder as --out")
