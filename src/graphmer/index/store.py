"""An index on disk, and what opening one checks.

graph/            entities.parquet, triples.parquet, manifest.json, validation.json, as `graphmer kg` writes them
packed/           the graph's windows, as the pack stage writes a split
parsed/           the parsed tables, which are the next run's cache: the one place with the code's text
functions.parquet what a search shows of each function; functions.npy: (N, D) vectors of their code
lexicon/          counted words of code and docstrings
keys.npy          (E, D) vectors by which entities are looked up
scoring.json      the weights that everything is ranked with
index.json        what it was made of and with, by digest
"""

from collections.abc import Sized
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from graphmer.artifacts import read_json, read_table, sha256_file
from graphmer.errors import ArtifactError
from graphmer.evaluate.record import parameters_digest
from graphmer.index.functions import functions_schema
from graphmer.index.lexicon import Lexicon, load_array
from graphmer.index.scoring import Scoring
from graphmer.kg.schema import entities_schema, triples_schema
from graphmer.model.checkpoint import load_model, model_digest
from graphmer.model.heads import GraphMER
from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.shards import EntityArrays, SplitArrays, load_entities, load_split

if TYPE_CHECKING:
    import pandas as pd

    from graphmer.evaluate.config import EvalParams
    from graphmer.evaluate.queries import FloatArray

Rows = TypeVar("Rows", bound=Sized)
INDEX_VERSION = 1  # raise it when a file changes its meaning: another one is refused
MANIFEST = "index.json"
GRAPH_FILES = ("entities.parquet", "triples.parquet")
AGAIN = "run graphmer index again"
NEEDED = {"model": str, "model_folder": str, "graph": dict, "functions": int, "entities": int}  # of index.json


@dataclass(frozen=True)
class Index:
    """An opened index: its tables and arrays, read when they are first asked for."""

    folder: Path
    manifest: dict[str, Any]
    model_folder: Path

    @classmethod
    def open(cls, folder: Path, model: Path | None = None) -> "Index":
        """Open an index. model: the folder of the model that it was made with; by default where it lay then.

        Raises ArtifactError where there is none, where its version or its ontology's is another, or its model is.
        """
        if not folder.is_dir():
            raise ArtifactError(
                f"{folder}: no such index; make one with graphmer index PATH --model MODEL --out {folder}"
            )
        manifest = read_manifest(folder)
        index = cls(folder, manifest, model or folder / manifest["model_folder"])
        _check_graph(folder, manifest)
        if not index.model_folder.is_dir():
            raise ArtifactError(f"{folder}: its model is not at {index.model_folder}; say where it is by --model")
        found = model_digest(index.model_folder)
        if found != manifest["model"]:
            raise ArtifactError(
                f"{folder}: made with another model than {index.model_folder} (weights {manifest['model'][:12]}, not "
                f"{found[:12]}); name its own by --model, or {AGAIN}"
            )
        return index

    @cached_property
    def entities(self) -> "pd.DataFrame":
        """entities.parquet of the graph."""
        return read_table(self.folder / "graph" / "entities.parquet", entities_schema())

    @cached_property
    def triples(self) -> "pd.DataFrame":
        """triples.parquet of the graph."""
        return read_table(self.folder / "graph" / "triples.parquet", triples_schema())

    @cached_property
    def functions(self) -> "pd.DataFrame":
        """functions.parquet."""
        path = self.folder / "functions.parquet"
        return self._counted(path, read_table(path, functions_schema()), "functions")

    @cached_property
    def function_vectors(self) -> "FloatArray":
        """(N, D) unit vectors, mapped."""
        path = self.folder / "functions.npy"
        return self._counted(path, self._vectors(path), "functions")

    @cached_property
    def key_vectors(self) -> "FloatArray":
        """(E, D) unit vectors, mapped."""
        path = self.folder / "keys.npy"
        return self._counted(path, self._vectors(path), "entities")

    @cached_property
    def lexicon(self) -> Lexicon:
        """The counted words."""
        found = Lexicon.load(self.folder / "lexicon")
        self._counted(self.folder / "lexicon", range(found.num_documents), "functions")
        return found

    @cached_property
    def scoring(self) -> Scoring:
        """The fitted weights; raises ArtifactError where they are another model's."""
        scoring = Scoring.load(self.folder / "scoring.json")
        check_scoring(scoring, self.folder / "scoring.json", self.manifest["model"])
        return scoring

    @cached_property
    def packed(self) -> Path:
        """The folder of the windows."""
        return self.folder / "packed"

    @cached_property
    def windows(self) -> SplitArrays:
        """The graph's windows."""
        from graphmer.index.windows import SPLIT

        return load_split(self.packed, SPLIT)

    @cached_property
    def entity_arrays(self) -> EntityArrays:
        """The entities in the order of entities.parquet."""
        found = load_entities(self.packed)
        self._counted(self.packed / "entities.npz", found.symbols, "entities")
        return found

    @cached_property
    def model(self) -> GraphMER:
        """The model, its digests checked."""
        return load_model(self.model_folder, self.packed)

    def _vectors(self, path: Path) -> "FloatArray":
        """(n, D) of a file; raises ArtifactError where it holds something else."""
        found = load_array(path)
        if found.ndim != 2:
            raise ArtifactError(f"{path}: an array of shape {found.shape}, expected rows of vectors; {AGAIN}")
        return found

    def _counted(self, path: Path, rows: Rows, what: str) -> Rows:
        """The rows, of which there are as many as index.json says; raises ArtifactError where there are not."""
        if len(rows) != self.manifest[what]:
            raise ArtifactError(f"{path}: {len(rows)} {what}, {MANIFEST} says {self.manifest[what]}; {AGAIN}")
        return rows


def read_manifest(folder: Path) -> dict[str, Any]:
    """index.json of a folder; raises ArtifactError where it is damaged, or of another index or ontology version."""
    if not (folder / MANIFEST).is_file():
        raise ArtifactError(f"{folder}: no index ({MANIFEST} is missing); {AGAIN}")
    try:
        manifest = read_json(folder / MANIFEST)
    except ArtifactError:
        raise ArtifactError(f"{folder / MANIFEST}: damaged (no JSON); {AGAIN}") from None
    if not isinstance(manifest, dict) or manifest.get("index_version") != INDEX_VERSION:
        found = manifest.get("index_version") if isinstance(manifest, dict) else None
        raise ArtifactError(f"{folder}: index version {found}, expected {INDEX_VERSION}; {AGAIN}")
    version = load_ontology().version
    if manifest.get("ontology_version") != version:
        raise ArtifactError(
            f"{folder}: a graph of ontology {manifest.get('ontology_version')}, expected {version}; {AGAIN}"
        )
    unsaid = [name for name, kind in NEEDED.items() if not isinstance(manifest.get(name), kind)]
    if unsaid:
        raise ArtifactError(f"{folder / MANIFEST}: damaged (says no {', '.join(unsaid)}); {AGAIN}")
    return manifest


def check_scoring(scoring: Scoring, path: Path, model: str) -> None:
    """Raises ArtifactError where a scoring was fitted with another model than the one of this digest."""
    if scoring.model != model:
        raise ArtifactError(
            f"{path}: fitted with another model (weights {scoring.model[:12]}, not {model[:12]}); delete it, and "
            "graphmer index fits it again, or name the right one by --scoring"
        )


def check_parameters(index: Index, params: "EvalParams", where: Path) -> None:
    """Raises ArtifactError where an index ranks with weights that were fitted with other parameters than these."""
    if index.scoring.eval != parameters_digest(params):
        raise ArtifactError(
            f"{index.folder}: its weights were fitted with another section eval than {where} has; {AGAIN} with it, or "
            "name the earlier one by --params"
        )


def _check_graph(folder: Path, manifest: dict[str, Any]) -> None:
    for name in GRAPH_FILES:
        path = folder / "graph" / name
        if not path.is_file() or sha256_file(path) != manifest["graph"].get(name):
            raise ArtifactError(f"{path}: not the table that the index was made of; {AGAIN}")
