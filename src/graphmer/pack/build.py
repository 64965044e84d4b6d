"""The pack stage: a tokenizer from the train split alone, and every split's samples as arrays."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from graphmer.artifacts import atomic_folder, read_json, read_table, records, sha256_file, write_json
from graphmer.corpus.parse.schema import files_schema, symbols_schema
from graphmer.errors import ArtifactError
from graphmer.kg.schema import entities_schema, triples_schema
from graphmer.kg.split import held_out
from graphmer.ontology.vocabulary import Ontology, load_ontology
from graphmer.pack.assembly import Assembly
from graphmer.pack.config import PackParams
from graphmer.pack.counts import split_counts
from graphmer.pack.documented import Documented, find_pairs
from graphmer.pack.draw import LeafDraw
from graphmer.pack.entities import entity_arrays
from graphmer.pack.samples import LeafRules, Mention, Sample, build_samples
from graphmer.pack.shards import (
    LAYOUT_VERSION,
    SPLITS,
    SplitArrays,
    save_arrays,
    save_split,
)
from graphmer.pack.tokenizer import CodeTokenizer, Encoding, tokenizer_of_model
from graphmer.pack.windows import FUNCTION_KINDS, Definition, cut_windows

if TYPE_CHECKING:
    import pandas as pd


def pack_corpus(
    parsed: Path,
    kg: Path,
    kg_metrics: Path,
    out: Path,
    metrics: Path,
    params: PackParams,
    row_length: int,
    draw: LeafDraw,
) -> None:
    """Turn a validated graph and its texts into `out`, and write the counts to `metrics`.

    kg_metrics: what validate_kg wrote; without it the graph is not known to be valid and nothing is packed.
    row_length, draw: how training will lay samples out, for the counts alone.
    Raises ArtifactError where an input is missing or a split has no sample, ParamsError where one does not fit a row.
    """
    read_json(kg_metrics)
    ontology = load_ontology()
    entities = read_table(kg / "entities.parquet", entities_schema())
    triples = read_table(kg / "triples.parquet", triples_schema())
    in_graph = set(entities.loc[entities["type"] == "File", "entity"])
    files = read_table(parsed / "files.parquet", files_schema())
    files = files[(files["status"] != "skipped") & files["kind"].isin(["code", "document"])]
    # A near-duplicate of a held-out file has no File entity: the graph builder took it out.
    files = files[[file_symbol(row) in in_graph for row in records(files)]]
    with atomic_folder(out) as scratch:
        tokenizer = _write_tokenizer(scratch / "tokenizer.json", files, params)
        names = entity_arrays(entities, tokenizer, ontology, params)
        save_arrays(scratch / "entities.npz", names)
        packer = Packer(tokenizer, ontology, entities, triples, parsed, params)
        counts = {}
        for split in SPLITS:
            arrays = packer.pack_split(split, files[files["split"] == split])
            save_split(scratch, split, arrays)
            counts[split] = split_counts(arrays, names, row_length, draw, params.seed)
        figures = {**counts, "vocabulary": tokenizer.vocabulary_size, "unplaced_mentions": packer.unplaced}
        write_json(scratch / "manifest.json", _manifest(figures, scratch, kg, ontology, params))
    write_json(metrics, figures)


def file_symbol(row: Any) -> str:
    """The File entity of a row of the parsed files."""
    return f"{row.language}:{row.package}:{row.file}"


def _write_tokenizer(path: Path, files: "pd.DataFrame", params: PackParams) -> CodeTokenizer:
    """An earlier model's tokenizer, byte for byte, where one is named, else one learnt from the train split."""
    if params.tokenizer_from is not None:
        tokenizer = tokenizer_of_model(Path(params.tokenizer_from))
        shutil.copyfile(Path(params.tokenizer_from) / "tokenizer.json", path)
        return tokenizer
    texts = files.loc[files["split"] == "train", "text"].tolist()
    if not texts:
        raise ArtifactError("data/parsed: the train split has no text; add a train package to the corpus")
    tokenizer = CodeTokenizer.train(texts, params.vocabulary_size, params.min_frequency)
    path.write_text(tokenizer.dumps(), encoding="utf-8", newline="\n")
    return tokenizer


class Packer:
    """Holds what all splits share: indices of entities, mentions by file, spans of defining names."""

    def __init__(
        self,
        tokenizer: CodeTokenizer,
        ontology: Ontology,
        entities: "pd.DataFrame",
        triples: "pd.DataFrame",
        parsed: Path,
        params: PackParams,
    ) -> None:
        self.tokenizer, self.params = tokenizer, params
        self.rules = LeafRules.of(ontology)
        self.names: list[str] = entities["name"].tolist()
        self.index = {entity: row for row, entity in enumerate(entities["entity"])}
        self.mentions = self._mentions_by_file(triples, ontology)
        self.documented: dict[tuple[str, str], dict[str, Documented]] = {}
        self.definitions, self.name_spans = self._definitions(parsed)
        self.unplaced = 0

    def _mentions_by_file(self, triples: "pd.DataFrame", ontology: Ontology) -> dict[tuple[str, str], list[Mention]]:
        params = self.params
        is_query = held_out(triples, params.seed, params.query_share, params.max_queries)
        by_file: dict[tuple[str, str], list[Mention]] = {}
        for position, row in enumerate(records(triples)):
            mention = Mention(
                position,
                ontology.relations[row.relation].id,
                self.index[row.head],
                self.index[row.tail],
                row.byte_start,
                row.byte_end,
                bool(is_query[position]),
                row.resolution == "ambiguous",
            )
            by_file.setdefault((row.package, row.file), []).append(mention)
        return by_file

    def _definitions(
        self, parsed: Path
    ) -> tuple[dict[tuple[str, str], list[Definition]], dict[tuple[str, str], dict[int, tuple[int, int]]]]:
        columns = [
            "symbol",
            "package",
            "file",
            "kind",
            "name",
            "container",
            "docstring",
            "doc_byte_start",
            "doc_byte_end",
        ]
        spans = ["byte_start", "byte_end", "name_byte_start", "name_byte_end"]
        symbols = read_table(parsed / "symbols.parquet", symbols_schema(), columns + spans)
        definitions: dict[tuple[str, str], list[Definition]] = {}
        names: dict[tuple[str, str], dict[int, tuple[int, int]]] = {}
        for row in records(symbols):
            key = (row.package, row.file)
            definition = Definition(row.symbol, row.kind, row.container, row.byte_start, row.byte_end)
            definitions.setdefault(key, []).append(definition)
            if row.docstring and row.kind in FUNCTION_KINDS:
                documented = Documented(row.name, row.docstring, row.doc_byte_start, row.doc_byte_end)
                self.documented.setdefault(key, {})[row.symbol] = documented
            if row.symbol in self.index and row.name_byte_end > row.name_byte_start:
                names.setdefault(key, {})[self.index[row.symbol]] = (row.name_byte_start, row.name_byte_end)
        return definitions, names

    def pack_split(self, split: str, files: "pd.DataFrame") -> SplitArrays:
        """All samples of one split, in the order of files and positions."""
        if files.empty:
            raise ArtifactError(
                f"data/parsed: split '{split}' has no file; give the corpus a package with split: {split}"
            )
        assembly = Assembly(self.params.max_doc_tokens)
        for row in tqdm(records(files), total=len(files), desc=f"pack {split}", unit="file", disable=None):
            encoding = self.tokenizer.encode(row.text)
            key = (row.package, row.file)
            samples = self._file_samples(row, key, encoding)
            documented = {} if row.is_test else self.documented.get(key, {})
            pairs = find_pairs(samples, encoding, documented, self.tokenizer, self.params.min_doc_words)
            for index, sample in enumerate(samples):
                assembly.add(sample, pairs.get(index), encoding, row)
        if not assembly.rows:
            raise ArtifactError(
                f"data/parsed: the files of split '{split}' have no token; give it a package with code or documents"
            )
        return assembly.finish(self.names)

    def _file_samples(self, row: Any, key: tuple[str, str], encoding: Encoding) -> list[Sample]:
        kind = "module" if row.kind == "code" else "document"
        symbol = file_symbol(row)
        newline = self.tokenizer.ids("\n.")[0]
        windows = cut_windows(
            self.definitions.get(key, []),
            symbol,
            kind,
            encoding.starts,
            encoding.ids == newline,
            self.params.max_roots,
        )
        mentions = self.mentions.get(key, [])
        spans = self.name_spans.get(key, {})
        samples, unplaced = build_samples(windows, encoding, mentions, spans, self.rules, self.params.max_head_tokens)
        self.unplaced += unplaced
        return samples


def _manifest(
    figures: dict[str, object], scratch: Path, kg: Path, ontology: Ontology, params: PackParams
) -> dict[str, object]:
    return {
        "layout_version": LAYOUT_VERSION,
        "ontology_version": ontology.version,
        "relations": list(ontology.relation_names),
        "entity_types": list(ontology.entity_types),
        "name_slots": params.name_slots,
        "key_tokens": params.key_tokens,
        "max_roots": params.max_roots,
        # An earlier model's tokenizer may change in its place: DVC sees its path alone.
        "tokenizer": sha256_file(scratch / "tokenizer.json"),
        # What eval needs to know who was held out, and its leak audit to learn the tokenizer again.
        "held_out": {"seed": params.seed, "query_share": params.query_share, "max_queries": params.max_queries},
        "tokenizer_training": {
            "from_model": params.tokenizer_from is not None,
            "vocabulary_size": params.vocabulary_size,
            "min_frequency": params.min_frequency,
        },
        "kg": {name: sha256_file(kg / name) for name in _graph_files()},
        **figures,
    }


def _graph_files() -> Iterator[str]:
    yield from ("entities.parquet", "triples.parquet")
