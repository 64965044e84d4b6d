"""`graphmer index`: a folder's graph, and a trained model's vectors over it, replaced as a whole or not at all."""

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile, rmtree
from typing import Any, NamedTuple

import numpy as np

from graphmer.artifacts import read_table, sha256_file, write_json, write_table, write_text
from graphmer.errors import ArtifactError, CorpusError
from graphmer.evaluate.config import EvalParams
from graphmer.evaluate.neural import TEXT_TOKENS, WINDOWS_AT_ONCE
from graphmer.evaluate.record import parameters_digest
from graphmer.index.fit import can_fit, check_data, fit_scoring
from graphmer.index.functions import (
    Function,
    function_vectors,
    functions_schema,
    functions_table,
    key_vectors,
    neighbour_names,
    read_functions,
)
from graphmer.index.lexicon import Lexicon
from graphmer.index.reading import AGAIN, read_object
from graphmer.index.scoring import Scoring, packed_digest, scoring_beside
from graphmer.index.store import (
    IGNORE,
    INDEX_VERSION,
    MANIFEST,
    PACKED_TOKENIZER,
    Index,
    check_scoring,
    file_digests,
    read_manifest,
    trained_digest,
    trained_model,
)
from graphmer.index.terminal import complain
from graphmer.index.windows import model_limits, pack_graph
from graphmer.kg.folder_graph import FolderParams, FolderSource, graph_folder, source_of
from graphmer.kg.parse_cache import CACHE_FILES
from graphmer.kg.schema import entities_schema, triples_schema
from graphmer.model.checkpoint import TOKENIZER
from graphmer.model.heads import GraphMER
from graphmer.model.plain import CodeEncoder
from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.config import PackParams
from graphmer.pack.tokenizer import CodeTokenizer
from graphmer.writing import replaced

PARSED = "parsed"
PARSED_FILES = sorted(CACHE_FILES - {IGNORE})
# What an index's folder holds, by which one is known whose index.json is damaged or lost.
WRITTEN = {
    MANIFEST, IGNORE, PARSED, "graph", "packed", "lexicon", "scoring.json", "keys.npy", "functions.npy",
    "functions.parquet",
}  # fmt: skip


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
    out, model = (Path(os.path.realpath(path)) for path in (out, model))
    _check_replaceable(out)
    limits, digest = model_limits(model, params.pack), trained_digest(model)
    trained = trained_model(model)
    source_of(code)
    weights = _kept_scoring(model, digest, scoring, params.eval)
    with replaced(out) as scratch:
        graph, parsed = scratch / "graph", scratch / PARSED
        earlier = _Earlier(out, model, digest, parsed)
        within = dataclasses.replace(code, outputs=(out, scratch))
        built = graph_folder(within, graph, "parquet", params.folder, parsed)
        functions = _functions(code.folder, graph, parsed)
        # Now: what a folder may be refused for has been found out, and the fit takes minutes.
        weights = weights or _fitted_scoring(model, scoring.data or model.parent, params.eval)
        names, encoded = _encode(scratch, functions, trained, limits, params, earlier)
        weights.save(scratch / "scoring.json")
        write_text(scratch / IGNORE, "*\n")  # made of the code beside it, and larger
        manifest = {
            "index_version": INDEX_VERSION,
            "ontology_version": load_ontology().version,
            "model": digest,
            # Seen from the index, so that it opens from any folder and names no absolute path.
            "model_folder": Path(os.path.relpath(model, out)).as_posix(),
            "functions": len(functions),
            "entities": names,
            "triples": sum(sum(counts.values()) for counts in built.manifest["triples"].values()),
            "files": file_digests(scratch),
        }
        write_json(scratch / MANIFEST, manifest)
    return Indexed(manifest, built.files.parsed, built.files.cached, encoded)


def _functions(code: Path, graph: Path, parsed: Path) -> list[Function]:
    """The graph's functions; raises CorpusError where there are none. code: the folder that the user named."""
    entities = read_table(graph / "entities.parquet", entities_schema(), ["entity"])
    functions = read_functions(parsed, frozenset(entities["entity"]))
    if not functions:
        raise CorpusError(f"{code}: the code defines no function, so there is nothing to search; index another folder")
    return functions


def _encode(
    scratch: Path,
    functions: Sequence[Function],
    trained: GraphMER,
    limits: PackParams,
    params: IndexParams,
    earlier: "_Earlier",
) -> tuple[int, int]:
    """Write windows, vectors and words; returns the entities, and how many functions were encoded."""
    graph, model = scratch / "graph", Path(str(limits.tokenizer_from))
    _, names = pack_graph(scratch / PARSED, graph, model, scratch / "packed", limits)
    encoder = CodeEncoder(trained, CodeTokenizer.load(model / TOKENIZER), TEXT_TOKENS, WINDOWS_AT_ONCE)
    entities = read_table(graph / "entities.parquet", entities_schema(), ["entity", "name"])
    triples = read_table(graph / "triples.parquet", triples_schema(), ["head", "relation", "tail", "resolution"])
    near = neighbour_names(functions, triples, dict(zip(entities["entity"], entities["name"], strict=True)))
    vectors, encoded = function_vectors(encoder, functions, earlier.functions)
    np.save(scratch / "functions.npy", vectors, allow_pickle=False)
    np.save(scratch / "keys.npy", key_vectors(encoder, names, earlier.keys), allow_pickle=False)
    write_table(functions_table(functions, near), scratch / "functions.parquet", functions_schema())
    search = params.eval.code_search
    documents = [one.tokens for one in functions]
    Lexicon.build(documents, search.bm25_k1, search.bm25_b).save(scratch / "lexicon")
    return len(entities), encoded


class _Earlier:
    """What an earlier index gives to the next: parsed rows, and vectors where the same model made them.

    functions: vectors by the digest of the code. keys: vectors by the bytes of an entity's tokens. A file that is not
    as the index wrote it gives nothing, and neither do the others: the next index heals it.
    """

    def __init__(self, out: Path, model: Path, digest: str, parsed: Path) -> None:
        """digest: of the model that is indexed with. parsed: takes the parsed rows."""
        self.functions: dict[str, Any] = {}
        self.keys: dict[bytes, Any] = {}
        if not out.is_dir() or not any(out.iterdir()):
            return
        try:
            index = Index(out, read_manifest(out), model)
            if self._is_by(index, model, digest):
                self._take_vectors(index)
            with index.intact(*(f"{PARSED}/{name}" for name in PARSED_FILES)):
                parsed.mkdir()
                for name in PARSED_FILES:
                    copyfile(out / PARSED / name, parsed / name)
        except ArtifactError as error:
            self.functions, self.keys = {}, {}
            rmtree(parsed, ignore_errors=True)
            complain("index", f"nothing reused: {str(error).rpartition('; ')[0]}")

    def _is_by(self, index: Index, model: Path, digest: str) -> bool:
        """Whether this model made the vectors; it is told where another did."""
        same = index.manifest["model"] == digest
        if same and index.manifest["files"].get(PACKED_TOKENIZER) == sha256_file(model / TOKENIZER):
            return True
        complain("index", f"no vector reused: {index.folder} was made with another model")
        return False

    def _take_vectors(self, index: Index) -> None:
        digests, vectors = index.functions["digest"], index.function_vectors
        tokens, keys = index.entity_arrays.key_token, index.key_vectors
        self.functions = dict(zip(digests, vectors, strict=True))
        self.keys = {row.tobytes(): vector for row, vector in zip(tokens, keys, strict=True)}


def _kept_scoring(model: Path, digest: str, source: ScoringSource, params: EvalParams) -> Scoring | None:
    """The named file's weights, else those kept beside the model; None where they are to be fitted, and can be.

    Kept ones that were fitted with other parameters or data are to be fitted again where the data are there.
    Raises ArtifactError where weights do not fit the model, the parameters or the data and cannot be fitted again, or
    could not be kept.
    """
    data, kept = source.data or model.parent, scoring_beside(model)
    if source.data is not None and not source.data.is_dir():
        raise ArtifactError(f"{data}: no such folder; name the one with packed/, kg/ and parsed/ by --data")
    path = source.file or kept
    if path.is_file() or source.file:
        scoring = Scoring.load(path)
        check_scoring(scoring, path, digest)
        stale = _stale(scoring, data, params)
        if not stale:
            return scoring
        if source.file or not can_fit(data):
            raise ArtifactError(
                f"{path}: fitted with other {stale} than now; {_refit(source.file, data)}, or go back to those"
            )
        complain("index", f"{path}: fitted with other {stale} than now")
    check_data(data)
    if kept.is_dir() or not os.access(kept.parent, os.W_OK | os.X_OK):
        raise ArtifactError(
            f"{kept}: cannot be written, and weights that are fitted are kept there; mend that, or name a file of "
            "weights by --scoring"
        )
    return None


def _fitted_scoring(model: Path, data: Path, params: EvalParams) -> Scoring:
    """Weights that are fitted now, and kept beside the model."""
    kept = scoring_beside(model)
    complain("index", f"fitting the scoring of {model} on {data}, once; kept in {kept}")
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
        if any(out.iterdir()) and not _is_index(out):
            raise CorpusError(f"{out}: holds files and is no index; give an empty or a new folder as --out")
    elif out.exists():
        raise CorpusError(f"{out}: is a file; give a folder as --out")


def _is_index(folder: Path) -> bool:
    """Whether index.json says so, which other tools write too; or, where it is damaged or lost, the other files."""
    try:
        if "index_version" in read_object(folder / MANIFEST, AGAIN):
            return True
    except ArtifactError:
        pass
    found = {path.name for path in folder.iterdir()}
    return found <= WRITTEN and 2 * len(found) > len(WRITTEN)
