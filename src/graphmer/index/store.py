"""An index on disk, and what opening one checks.

graph/            entities.parquet, triples.parquet, manifest.json, validation.json, as `graphmer kg` writes them
packed/           the graph's windows, as the pack stage writes a split
parsed/           the parsed tables, which are the next run's cache: the one place with the code's text
functions.parquet what a search shows of each function; functions.npy: (N, D) vectors of their code
lexicon/          counted words of code and docstrings
keys.npy          (E, D) vectors by which entities are looked up
scoring.json      the weights that everything is ranked with
index.json        what it was made of and with, and the digest of every other file

Files are read when they are first asked for. An index that was made again in between would give the new vectors beside
the old graph: each file is held against its digest in the index.json that was opened, before it is read and after.
"""

from collections.abc import Iterator, Mapping, Sized
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from graphmer.artifacts import read_table, sha256_file, sha256_files
from graphmer.errors import ArtifactError, ParamsError
from graphmer.evaluate.record import parameters_digest
from graphmer.index.functions import functions_schema
from graphmer.index.lexicon import FILES as LEXICON_FILES
from graphmer.index.lexicon import Lexicon, load_array
from graphmer.index.reading import AGAIN, NAME_MODEL, read_object, remedied
from graphmer.index.scoring import Scoring
from graphmer.kg.schema import entities_schema, triples_schema
from graphmer.model.checkpoint import TOKENIZER, load_model, model_digest
from graphmer.model.heads import GraphMER
from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.shards import EntityArrays, SplitArrays, load_entities, load_split

if TYPE_CHECKING:
    import pandas as pd

    from graphmer.evaluate.config import EvalParams
    from graphmer.evaluate.queries import FloatArray

Rows = TypeVar("Rows", bound=Sized)
Version = tuple[int, ...]  # of a file: another one under its name has another, whatever it holds
INDEX_VERSION = 2  # raise it when a file changes its meaning: another one is refused
MANIFEST = "index.json"
IGNORE = ".gitignore"  # no file of data: whoever keeps an index in git may change it
NEEDED = {"model": str, "model_folder": str, "files": dict, "functions": int, "entities": int}  # of index.json
PACKED_TOKENIZER = f"packed/{TOKENIZER}"
# What is read of the packed windows' entities, and of them all: by the names in index.json.
ENTITY_FILES = ("packed/manifest.json", "packed/entities.npz")
WINDOW_FILES = ("packed/manifest.json", "packed/train.npz", "packed/train.samples.parquet")
REFERENCE_FILES = ("parsed/files.parquet", "parsed/references.parquet")
RESTORE_MODEL = "restore it as training wrote it"


@dataclass(frozen=True)
class Index:
    """An opened index: its tables and arrays, read when they are first asked for.

    Reading any raises ArtifactError where its file is not the one that was there when the index was opened.
    loaded: its model, where it has been read already.
    """

    folder: Path
    manifest: dict[str, Any]
    model_folder: Path
    loaded: GraphMER | None = None
    _seen: dict[str, Version] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def open(cls, folder: Path, model: Path | None = None, loaded: GraphMER | None = None) -> "Index":
        """Open an index. model: the folder of the model that it was made with; by default where it lay then.

        loaded: what `trained_model` gave for that folder. Raises ArtifactError where there is no index, where its
        version or its ontology's is another, or its model is.
        """
        if not folder.is_dir():
            raise ArtifactError(
                f"{folder}: no such index; make one with graphmer index PATH --model MODEL --out {folder}"
            )
        manifest = read_manifest(folder)
        index = cls(folder, manifest, model or folder / manifest["model_folder"], loaded)
        if not index.model_folder.is_dir():
            raise ArtifactError(f"{folder}: its model is not at {index.model_folder}; say where it is by --model")
        index._check_model()
        return index

    @contextmanager
    def intact(self, *names: str) -> Iterator[None]:
        """The block reads these files as they were when the index was opened.

        names: as in index.json. Raises ArtifactError where a file is not the one of its digest there, at the beginning
        or by the end.
        """
        before = {name: self._checked(name) for name in names}
        try:
            with remedied(AGAIN):
                yield
        except (ArtifactError, OSError):
            self._check_unchanged(before)
            raise
        self._check_unchanged(before)

    @cached_property
    def entities(self) -> "pd.DataFrame":
        """entities.parquet of the graph."""
        with self.intact("graph/entities.parquet"):
            return read_table(self.folder / "graph" / "entities.parquet", entities_schema())

    @cached_property
    def triples(self) -> "pd.DataFrame":
        """triples.parquet of the graph."""
        with self.intact("graph/triples.parquet"):
            return read_table(self.folder / "graph" / "triples.parquet", triples_schema())

    @cached_property
    def functions(self) -> "pd.DataFrame":
        """functions.parquet."""
        path = self.folder / "functions.parquet"
        with self.intact("functions.parquet"):
            found = read_table(path, functions_schema())
        return self._counted(path, found, "functions")

    @cached_property
    def function_vectors(self) -> "FloatArray":
        """(N, D) unit vectors, mapped."""
        return self._vectors("functions.npy", "functions")

    @cached_property
    def key_vectors(self) -> "FloatArray":
        """(E, D) unit vectors, mapped."""
        return self._vectors("keys.npy", "entities")

    @cached_property
    def lexicon(self) -> Lexicon:
        """The counted words."""
        with self.intact(*(f"lexicon/{name}" for name in LEXICON_FILES)):
            found = Lexicon.load(self.folder / "lexicon")
        self._counted(self.folder / "lexicon", range(found.num_documents), "functions")
        return found

    @cached_property
    def scoring(self) -> Scoring:
        """The fitted weights; raises ArtifactError where they are another model's."""
        with self.intact("scoring.json"):
            scoring = Scoring.load(self.folder / "scoring.json", AGAIN)
        check_scoring(scoring, self.folder / "scoring.json", self.manifest["model"])
        return scoring

    @property
    def packed(self) -> Path:
        """The folder of the windows; what reads it does so within `intact`."""
        return self.folder / "packed"

    @cached_property
    def windows(self) -> SplitArrays:
        """The graph's windows."""
        from graphmer.index.windows import SPLIT

        with self.intact(*WINDOW_FILES):
            return load_split(self.packed, SPLIT)

    @cached_property
    def entity_arrays(self) -> EntityArrays:
        """The entities in the order of entities.parquet."""
        with self.intact(*ENTITY_FILES):
            found = load_entities(self.packed)
        self._counted(self.packed / "entities.npz", found.symbols, "entities")
        return found

    @cached_property
    def model(self) -> GraphMER:
        """The model, its digests checked; raises ArtifactError where it is no longer the one of the index."""
        found = self.loaded or trained_model(self.model_folder)
        self._check_model()
        if sha256_file(self.model_folder / TOKENIZER) != self.manifest["files"].get(PACKED_TOKENIZER):
            raise ArtifactError(f"{self.folder}: made with another tokenizer than {self.model_folder}'s; {AGAIN}")
        return found

    def _check_model(self) -> None:
        expected, found = self.manifest["model"], trained_digest(self.model_folder)
        if found != expected:
            raise ArtifactError(
                f"{self.folder}: made with another model than {self.model_folder} (weights {expected[:12]}, not "
                f"{found[:12]}); name its own by --model, or {AGAIN}"
            )

    def _checked(self, name: str) -> Version:
        """Which file it is, its digest being that of index.json; one that was checked is not read again."""
        path = self.folder / name
        try:
            version = _version(path)
            if self._seen.get(name) != version:
                if sha256_file(path) != self.manifest["files"].get(name):
                    raise self._replaced(name)
                self._seen[name] = version
        except OSError:
            raise self._replaced(name) from None
        return version

    def _check_unchanged(self, before: Mapping[str, Version]) -> None:
        for name, version in before.items():
            if not (self.folder / name).is_file() or _version(self.folder / name) != version:
                raise self._replaced(name) from None

    def _replaced(self, name: str) -> ArtifactError:
        return ArtifactError(
            f"{self.folder}: was replaced or damaged since it was opened ({name} is not the file that its {MANIFEST} "
            f"named); open it again, or {AGAIN}"
        )

    def _vectors(self, name: str, what: str) -> "FloatArray":
        """(n, D) of a file, a row for each function or entity; raises ArtifactError where it holds something else."""
        path = self.folder / name
        with self.intact(name):
            found = load_array(path)
        if found.ndim != 2:
            raise ArtifactError(f"{path}: an array of shape {found.shape}, expected rows of vectors; {AGAIN}")
        return self._counted(path, found, what)

    def _counted(self, path: Path, rows: Rows, what: str) -> Rows:
        """The rows, of which there are as many as index.json says; raises ArtifactError where there are not."""
        if len(rows) != self.manifest[what]:
            raise ArtifactError(f"{path}: {len(rows)} {what}, {MANIFEST} says {self.manifest[what]}; {AGAIN}")
        return rows


def read_manifest(folder: Path) -> dict[str, Any]:
    """index.json of a folder; raises ArtifactError where it is damaged, or of another index or ontology version."""
    if not (folder / MANIFEST).is_file():
        raise ArtifactError(f"{folder}: no index ({MANIFEST} is missing); name another one, or {AGAIN}")
    manifest = read_object(folder / MANIFEST, AGAIN)
    if manifest.get("index_version") != INDEX_VERSION:
        found = manifest.get("index_version")
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


def file_digests(folder: Path) -> dict[str, str]:
    """{path in the index: digest} of every file of data, as index.json names them."""
    digests = sha256_files(folder)
    return {name: digest for name, digest in digests.items() if name != MANIFEST and not name.endswith(IGNORE)}


def trained_model(folder: Path) -> GraphMER:
    """A trained model's folder; raises ArtifactError where there is none, or a file is missing or damaged."""
    _check_config(folder)
    try:
        with remedied(NAME_MODEL):
            return load_model(folder)
    except ParamsError as error:
        raise ArtifactError(f"{folder}/config.json: {error}; {RESTORE_MODEL}") from None


def trained_digest(folder: Path) -> str:
    """Digest of a trained model's weights, as its config.json names them; raises ArtifactError where it does not."""
    _check_config(folder)
    return model_digest(folder)


def _check_config(folder: Path) -> None:
    """config.json has the sections that are read of it."""
    if not folder.is_dir():
        raise ArtifactError(f"{folder}: no such folder; {NAME_MODEL}")
    path = folder / "config.json"
    config = read_object(path, RESTORE_MODEL if path.exists() else NAME_MODEL)
    unsaid = [name for name in ("files", "model", "vocabulary") if not isinstance(config.get(name), dict)]
    if unsaid or not all(isinstance(digest, str) for digest in config["files"].values()):
        raise ArtifactError(f"{path}: damaged (says no {unsaid[0] if unsaid else 'digest'}); {RESTORE_MODEL}")


def _version(path: Path) -> Version:
    """Tells a file from another that has taken its name, or been written into it, since."""
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
