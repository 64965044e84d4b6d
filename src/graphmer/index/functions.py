"""The functions of a code base as search material: their place, their texts, and the vectors of their code."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from graphmer.artifacts import read_table, records, sha256_bytes
from graphmer.corpus.parse.schema import files_schema, symbols_schema
from graphmer.evaluate.documented import FUNCTION_KINDS, code_without_docstring
from graphmer.evaluate.lexical import FloatArray, lexical_tokens
from graphmer.evaluate.neural import WINDOWS_AT_ONCE
from graphmer.model.inference import text_vectors
from graphmer.model.plain import CodeEncoder
from graphmer.ontology.vocabulary import CALL_RELATIONS
from graphmer.pack.docstrings import first_paragraph
from graphmer.pack.shards import EntityArrays

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

CHUNK = 8 * WINDOWS_AT_ONCE  # texts between two moves of the progress bar
KEYS_AT_ONCE = 4096
SUMMARY_WORDS = 24


@dataclass(frozen=True)
class Function:
    """One function. code: its source without the docstring, which is what its vector is made of."""

    symbol: str
    name: str
    qualified_name: str
    language: str
    file: str
    line: int
    is_test: bool
    docstring: str
    code: str

    @property
    def digest(self) -> str:
        """Of its code: where it is unchanged, so is the vector."""
        return sha256_bytes(self.code.encode("utf-8", "surrogatepass"))

    @property
    def tokens(self) -> list[str]:
        """What a search counts: code and docstring."""
        return lexical_tokens(f"{self.code}\n{self.docstring}")


def functions_schema() -> "pa.Schema":
    """One row a function, sorted by symbol: what search results show; of the texts the docstring's beginning alone."""
    import pyarrow as pa

    text = ("symbol", "name", "qualified_name", "language", "file", "summary", "neighbours", "digest")
    return pa.schema([(name, pa.string()) for name in text] + [("line", pa.int64()), ("is_test", pa.bool_())])


def read_functions(parsed: Path, in_graph: frozenset[str]) -> list[Function]:
    """Every function that the graph holds, sorted by symbol."""
    files = read_table(parsed / "files.parquet", files_schema())
    files = files[(files["kind"] == "code") & (files["status"] != "skipped")]
    texts = {row.file: (row.text.encode("utf-8"), bool(row.is_test)) for row in records(files)}
    symbols = read_table(parsed / "symbols.parquet", symbols_schema())
    symbols = symbols[symbols["kind"].isin(FUNCTION_KINDS) & symbols["symbol"].isin(in_graph)]
    found = []
    for row in records(symbols):
        source, is_test = texts[row.file]
        code = code_without_docstring(source, row)
        place = (row.language, row.file, int(row.line_start))
        found.append(Function(row.symbol, row.name, row.qualified_name, *place, is_test, row.docstring, code))
    return sorted(found, key=lambda function: function.symbol)


def functions_table(functions: Sequence[Function], neighbours: Sequence[Sequence[str]]) -> "pd.DataFrame":
    """The rows of functions.parquet. neighbours: as of `neighbour_names`."""
    import pandas as pd

    rows = [
        (
            one.symbol, one.name, one.qualified_name, one.language, one.file,
            first_paragraph(one.docstring, SUMMARY_WORDS), " ".join(near), one.digest, one.line, one.is_test,
        )
        for one, near in zip(functions, neighbours, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=functions_schema().names)


def function_vectors(
    encoder: CodeEncoder, functions: Sequence[Function], known: Mapping[str, FloatArray]
) -> tuple[FloatArray, int]:
    """(N, D) unit vectors of the functions' code, and how many had to be made.

    known: vectors by digest, of an earlier index with the same model.
    """
    digests = [one.digest for one in functions]
    fresh: dict[str, str] = {}
    for one, digest in zip(functions, digests, strict=True):
        if digest not in known:
            fresh[digest] = one.code
    order = sorted(fresh, key=lambda digest: (len(fresh[digest]), digest))
    made: dict[str, FloatArray] = {}
    with tqdm(total=len(order), desc="encode functions", unit="function", disable=None) as bar:
        for start in range(0, len(order), CHUNK):
            piece = order[start : start + CHUNK]
            made.update(zip(piece, encoder.embed([fresh[digest] for digest in piece]), strict=True))
            bar.update(len(piece))
    width = encoder.model.encoder.params.width
    vectors = np.empty((len(functions), width), np.float32)
    for row, digest in enumerate(digests):
        vectors[row] = made[digest] if digest in made else known[digest]
    return vectors, len(order)


def key_vectors(encoder: CodeEncoder, entities: EntityArrays, known: Mapping[bytes, FloatArray]) -> FloatArray:
    """(E, D) unit vectors of the entities' keys. known: vectors by the bytes of a key's tokens."""
    tokens = [row.tobytes() for row in entities.key_token]
    fresh = {token: row for row, token in enumerate(tokens) if token not in known}
    rows = np.asarray(sorted(fresh.values()), np.int64)
    vectors = np.empty((len(tokens), encoder.model.encoder.params.width), np.float32)
    place: dict[bytes, FloatArray] = {}
    with tqdm(total=len(rows), desc="encode entities", unit="entity", disable=None) as bar:
        for start in range(0, len(rows), KEYS_AT_ONCE):
            piece = rows[start : start + KEYS_AT_ONCE]
            made = text_vectors(encoder.model, entities.key_token[piece])
            place.update((tokens[row], vector) for row, vector in zip(piece.tolist(), made, strict=True))
            bar.update(len(piece))
    for row, token in enumerate(tokens):
        vectors[row] = place[token] if token in place else known[token]
    return vectors


def neighbour_names(
    functions: Sequence[Function], triples: "pd.DataFrame", names: Mapping[str, str]
) -> list[tuple[str, ...]]:
    """Short names of what each function calls and of what calls it, sorted; guesses among candidates left out.

    names: {symbol: short name} of the entities.
    """
    calls = triples[triples["relation"].isin(CALL_RELATIONS) & (triples["resolution"] != "ambiguous")]
    near: dict[str, set[str]] = defaultdict(set)
    for head, tail in zip(calls["head"], calls["tail"], strict=True):
        near[head].add(names[tail])
        near[tail].add(names[head])
    return [tuple(sorted(near.get(one.symbol, ()))) for one in functions]
