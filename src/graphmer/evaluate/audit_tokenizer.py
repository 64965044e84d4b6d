"""Whether the tokenizer was learnt from the train split alone: by learning it again and comparing bytes."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from graphmer.artifacts import read_json, read_table, records, sha256_file
from graphmer.corpus.parse.schema import files_schema
from graphmer.errors import ArtifactError
from graphmer.evaluate.audit_links import Offender
from graphmer.kg.schema import entities_schema
from graphmer.pack.tokenizer import CodeTokenizer

FROM_MODEL = (
    "tokenizer: taken from an earlier model (pack.tokenizer_from), so not learnt from this corpus' train split; what "
    "that model's own split held out is for its own audit"
)


def train_texts(parsed: Path, kg: Path) -> list[str]:
    """The texts that the tokenizer may be learnt from, in the order in which pack reads them."""
    columns = ["language", "package", "file", "split", "kind", "status", "text"]
    files = read_table(parsed / "files.parquet", files_schema(), columns)
    files = files[(files["status"] != "skipped") & files["kind"].isin(["code", "document"])]
    files = files[files["split"] == "train"]
    entities = read_table(kg / "entities.parquet", entities_schema(), ["entity", "type"])
    in_graph = set(entities.loc[entities["type"] == "File", "entity"])
    return [row.text for row in records(files) if f"{row.language}:{row.package}:{row.file}" in in_graph]


def tokenizer_leaks(packed: Path, texts: list[str], max_bytes: int) -> tuple[list[Offender], list[str]]:
    """Offenders, and what could not be checked in full.

    texts: those of the train split. max_bytes: of them that are worth learning from again; past it only that the
    tokenizer is the file which pack wrote can be said. Raises ArtifactError where the manifest does not say how the
    tokenizer was learnt.
    """
    manifest: Mapping[str, Any] = read_json(packed / "manifest.json")
    how = manifest.get("tokenizer_training")
    if how is None:
        raise ArtifactError(
            f"{packed}: packed by an earlier version, without a word on its tokenizer; run dvc repro pack"
        )
    path = packed / "tokenizer.json"
    if sha256_file(path) != manifest["tokenizer"]:
        return [Offender("tokenizer", f"{path.name} is not the one that pack wrote")], []
    if how["from_model"]:
        return [], [FROM_MODEL]
    size = sum(len(text.encode("utf-8")) for text in texts)
    if size > max_bytes:
        return [], [f"tokenizer: {size} bytes of train text, more than eval.audit.retrain_max_bytes; not learnt again"]
    return list(_compared(path, CodeTokenizer.train(texts, how["vocabulary_size"], how["min_frequency"]))), []


def _compared(path: Path, again: CodeTokenizer) -> Iterator[Offender]:
    if path.read_text(encoding="utf-8") != again.dumps():
        yield Offender(
            "tokenizer", f"{path.name} is not what the train split alone gives: it was learnt from other texts"
        )
