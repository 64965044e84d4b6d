"""Parsing a folder again after an edit: a file whose bytes are as they were gives its rows of the run before.

The cache is a folder with the three parsed tables of that run, whose rows name each file's path, language and sha256,
and index.json: the digest of each table, and the key of all else that decides what parsing gives (`cache_key`). It is
written anew by each run, so it never holds what the folder no longer has.
"""

import dataclasses
import hashlib
import shutil
import sys
from collections.abc import Collection, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from graphmer.artifacts import atomic_folder, read_json, sha256_bytes, sha256_file, write_json, write_text
from graphmer.corpus import parse
from graphmer.corpus.parse.columns import python_values
from graphmer.corpus.parse.config import ParseParams
from graphmer.corpus.parse.corpus import list_shards, parse_shards, write_parsed
from graphmer.corpus.parse.reading import PackageKey, printable
from graphmer.corpus.parse.schema import files_schema, references_schema, symbols_schema
from graphmer.corpus.parse.shard import Shard, ShardTables, table_schemas
from graphmer.errors import ArtifactError
from graphmer.writing import sole_writer

if TYPE_CHECKING:
    import pyarrow as pa

INDEX = "index.json"
OF_NO_BYTES = ("", "empty")  # reasons of files that were read; others without a digest were not
CACHE_FILES = frozenset({INDEX, ".gitignore", *(f"{name}.parquet" for name in ShardTables._fields)})


class ParseCounts(NamedTuple):
    """Files parsed in this run, files whose rows came from the cache, and files parsed for a damaged cache alone."""

    parsed: int
    cached: int
    damaged: int


def parse_folder(raw: Path, out: Path, params: ParseParams, earlier: Path, later: Path) -> ParseCounts:
    """As `parse_corpus`, for the one package under `raw`; the same bytes with and without a cache.

    earlier: the cache that a run before left, or a folder that is not there.  later: where this run's goes; may be the
    same. A cache that is damaged, of other parsers, parameters or another package is never used.
    """
    shards = list_shards(raw)
    (package,) = {shard.package for shard in shards}
    key = cache_key(package, params)
    known, is_damaged = _load(earlier, key)
    unchanged = _unchanged(shards, known.files) if known else frozenset()
    changed = [
        shard._replace(files=tuple(file for file in shard.files if file[1] not in unchanged)) for shard in shards
    ]
    parts = list(parse_shards([shard for shard in changed if shard.files], params))
    if known:
        parts.append(_rows_of(known, unchanged, package.split))
    write_parsed([(package, _in_order(parts, shards))], raw, out, params)
    _store(out, later, key)
    num_parsed = sum(len(shard.files) for shard in changed)
    return ParseCounts(num_parsed, len(unchanged), num_parsed if is_damaged else 0)


def cache_key(package: PackageKey, params: ParseParams) -> str:
    """A digest of what decides the rows beside a file itself: parsers, queries, grammars, parameters, the package."""
    digest = hashlib.sha256()
    for name, source in parser_sources(Path(next(iter(parse.__path__)))).items():
        digest.update(f"{name}\0{sha256_file(source)}\n".encode())
    grammars = [name for name in sorted(sys.modules) if name.startswith("tree_sitter") and "." not in name]
    digest.update(repr([(name, version(name)) for name in grammars]).encode())
    digest.update(repr((sys.version_info[:2], package, dataclasses.astuple(params))).encode())
    return digest.hexdigest()


def parser_sources(package: Path) -> dict[str, Path]:
    """Modules and query files of the parsers, those of a language's own package too, by their path, sorted."""
    found = (source for source in package.rglob("*") if source.suffix in (".py", ".scm"))
    return {source.relative_to(package).as_posix(): source for source in sorted(found)}


def _load(folder: Path, key: str) -> tuple[ShardTables | None, bool]:
    """The tables, or None where they do not fit, and whether they are damaged."""
    import pyarrow.parquet as pq

    if not folder.exists():
        return None, False
    try:
        index = read_json(folder / INDEX)
        digests = {name: sha256_file(folder / f"{name}.parquet") for name in ShardTables._fields}
    except (ArtifactError, OSError):
        return None, True
    if not isinstance(index, dict) or index.get("tables") != digests:
        return None, True
    if index.get("key") != key:
        return None, False
    return ShardTables(*(pq.read_table(folder / f"{name}.parquet") for name in ShardTables._fields)), False


def _unchanged(shards: Sequence[Shard], files: "pa.Table") -> frozenset[str]:
    """Files that the cache knows with these bytes."""
    columns = (python_values(files.column(name)) for name in ("file", "language", "sha256", "reason"))
    known = {
        file: (language, digest or sha256_bytes(b""))
        for file, language, digest, reason in zip(*columns)
        if digest or reason in OF_NO_BYTES
    }
    return frozenset(
        file
        for shard in shards
        for language, file in shard.files
        # A name that is no UTF-8 stands in the tables as another's might: it is parsed again.
        if printable(file) == file and known.get(file) == (language, sha256_file(shard.folder / file))
    )


def _rows_of(known: ShardTables, files: Collection[str], split: str) -> ShardTables:
    """What the cache says of these files; the split is the package's again, modules being dealt out later."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kept = pa.array(sorted(files), pa.string())
    tables = ShardTables(*(table.filter(pc.is_in(table.column("file"), kept)) for table in known))
    place, splits = tables.files.schema.get_field_index("split"), pa.array([split] * tables.files.num_rows, pa.string())
    return tables._replace(files=tables.files.set_column(place, "split", splits))


def _in_order(parts: Sequence[ShardTables], shards: Sequence[Shard]) -> ShardTables:
    """All rows, file by file in the order of the shards.

    Each dictionary is made anew, its values in the order in which rows have them: where the rows came from leaves no
    trace in the bytes that are written.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    order = pa.array([printable(file) for shard in shards for _, file in shard.files], pa.string())
    plain = (files_schema(), symbols_schema(), references_schema())
    tables = []
    for column, schema, encoded in zip(zip(*parts, strict=True), plain, table_schemas(), strict=True):
        rows = pa.concat_tables([part.cast(schema) for part in column])
        rows = rows.take(pc.sort_indices(pc.index_in(rows.column("file"), order)))  # stable: rows of a file stay
        columns = [
            rows.column(field.name).combine_chunks().dictionary_encode()
            if pa.types.is_dictionary(field.type)
            else rows.column(field.name)
            for field in encoded
        ]
        tables.append(pa.Table.from_arrays(columns, schema=encoded))
    return ShardTables(*tables)


def _store(parsed: Path, cache: Path, key: str) -> None:
    with sole_writer(cache, wait_s=60), atomic_folder(cache) as scratch:  # several runs may share it
        digests = {}
        for name in ShardTables._fields:
            shutil.copyfile(parsed / f"{name}.parquet", scratch / f"{name}.parquet")
            digests[name] = sha256_file(scratch / f"{name}.parquet")
        write_json(scratch / INDEX, {"key": key, "tables": digests})
        write_text(scratch / ".gitignore", "*\n")  # who commits a graph wants no copy of the code beside it
