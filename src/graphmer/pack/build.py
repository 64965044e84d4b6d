"""The pack stage: a tokenizer from the train split alone, and every split's samples as arrays."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from graphmer.artifacts import atomic_folder, read_json, read_table, records, sha256_file, write_json
from graphmer.corpus.parse.schema import files_schema, symbols_schema
from graphmer.errors import ArtifactError
from graphmer.kg.schema import entities_schema, triples_schema
from graphmer.kg.split import support_query
from graphmer.ontology.vocabulary import Ontology, load_ontology
from graphmer.pack.assembly import Assembly
from graphmer.pack.config import PackParams
from graphmer.pack.counts import split_counts
from graphmer.pack.documented import Documented, find_pairs
from graphmer.pack.draw import LeafDraw
from graphmer.pack.samples import LeafRules, Mention, Sample, build_samples
from graphmer.pack.shards import (
    LAYOUT_VERSION,
    SPLITS,
    EntityArrays,
    SplitArrays,
    save_arrays,
    save_split,
)
from graphmer.pack.tokenizer import END, PAD, CodeTokenizer, Encoding
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
    files = files[[_file_symbol(row) in in_graph for row in records(files)]]
    tokenizer = _tokenizer(files, params)
    with atomic_folder(out) as scratch:
        (scratch / "tokenizer.json").write_text(tokenizer.dumps(), encoding="utf-8", newline="\n")
        names = _entity_arrays(entities, tokenizer, ontology, params)
        save_arrays(scratch / "entities.npz", names)
        packer = _Packer(tokenizer, ontology, entities, triples, parsed, params)
        counts = {}
        for split in SPLITS:
            arrays = packer.pack_split(split, files[files["split"] == split])
            save_split(scratch, split, arrays)
            counts[split] = split_counts(arrays, names, row_length, draw, params.seed)
        figures = {**counts, "vocabulary": tokenizer.vocabulary_size, "unplaced_mentions": packer.unplaced}
        write_json(scratch / "manifest.json", _manifest(figures, kg, ontology, params))
    write_json(metrics, figures)


def _file_symbol(row: Any) -> str:
    return f"{row.language}:{row.package}:{row.file}"


def _tokenizer(files: "pd.DataFrame", params: PackParams) -> CodeTokenizer:
    """An earlier model's tokenizer where one is named, else one learnt from the train split."""
    if params.tokenizer_from is not None:
        path = Path(params.tokenizer_from) / "tokenizer.json"
        if not path.exists():
            raise ArtifactError(f"pack.tokenizer_from: {path} not found; name the folder of a trained model, or null")
        return CodeTokenizer.load(path)
    texts = files.loc[files["split"] == "train", "text"].tolist()
    if not texts:
        raise ArtifactError("data/parsed: the train split has no text; add a train package to the corpus")
    return CodeTokenizer.train(texts, params.vocabulary_size, params.min_frequency)


def _entity_arrays(
    entities: "pd.DataFrame", tokenizer: CodeTokenizer, ontology: Ontology, params: PackParams
) -> EntityArrays:
    name_ids = tokenizer.batch_ids(entities["name"].tolist())
    key_ids = tokenizer.batch_ids([_key_text(row) for row in records(entities)])
    return EntityArrays(
        type_id=np.asarray([ontology.type_id(name) for name in entities["type"]], np.int32),
        external=entities["external"].to_numpy(np.bool_),
        name_token=_padded(name_ids, params.name_slots, END),
        name_length=np.asarray([len(ids) for ids in name_ids], np.int32),
        key_token=_padded(key_ids, params.key_tokens, PAD),
        key_length=np.asarray([min(len(ids), params.key_tokens) for ids in key_ids], np.int32),
        symbols=entities["entity"].tolist(),
        packages=entities["package"].tolist(),
        names=entities["name"].tolist(),
    )


def _key_text(row: Any) -> str:
    """Canonical name, kind, where it lives and signature, the most telling first: the key is cut at its end."""
    owner = ".".join(row.qualified_name.split(".")[:-1][-2:])
    return f"{row.name} {row.type} {owner} {row.signature}"


def _padded(rows: list[list[int]], width: int, fill: int) -> npt.NDArray[np.int32]:
    table = np.full((len(rows), width), fill, np.int32)
    for index, ids in enumerate(rows):
        table[index, : min(len(ids), width)] = ids[:width]
    return table


class _Packer:
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
        held_out = triples["split"].to_numpy() != "train"
        queryable = np.asarray([not ontology.relations[name].structural for name in triples["relation"]])
        is_query = np.zeros(len(triples), np.bool_)
        rows = np.flatnonzero(held_out & queryable)
        is_query[rows] = support_query(triples.iloc[rows], params.seed, params.query_share, params.max_queries)
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
        return assembly.finish(self.names)

    def _file_samples(self, row: Any, key: tuple[str, str], encoding: Encoding) -> list[Sample]:
        kind = "module" if row.kind == "code" else "document"
        symbol = _file_symbol(row)
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


def _manifest(figures: dict[str, object], kg: Path, ontology: Ontology, params: PackParams) -> dict[str, object]:
    return {
        "layout_version": LAYOUT_VERSION,
        "ontology_version": ontology.version,
        "relations": list(ontology.relation_names),
        "entity_types": list(ontology.entity_types),
        "name_slots": params.name_slots,
        "key_tokens": params.key_tokens,
        "max_roots": params.max_roots,
        "kg": {name: sha256_file(kg / name) for name in _graph_files()},
        **figures,
    }


def _graph_files() -> Iterator[str]:
    yield from ("entities.parquet", "triples.parquet")
