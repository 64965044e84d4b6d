"""From unpacked packages to three tables: files, symbols and references."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from graphmer.artifacts import TableWriter, atomic_folder, read_json
from graphmer.corpus.parse.columns import concat, python_values, string_column
from graphmer.corpus.parse.config import ParseParams
from graphmer.corpus.parse.languages import LANGUAGES, language_of
from graphmer.corpus.parse.modules import BY_MODULE, split_modules
from graphmer.corpus.parse.reading import PackageKey, printable
from graphmer.corpus.parse.shard import Shard, ShardTables, parse_shard, table_schemas
from graphmer.errors import CorpusError
from graphmer.executor import map_ordered

if TYPE_CHECKING:
    import pyarrow as pa

SHARD_BYTES = 1 << 19  # a task for one process: large enough to repay its dispatch, small enough to share out evenly


def parse_corpus(raw: Path, out: Path, params: ParseParams) -> None:
    """Parse every package under `raw` into the folder `out`: files.parquet, symbols.parquet, references.parquet.

    A file that cannot be parsed is a row with its reason. Each package is written as soon as it is parsed.
    Raises CorpusError where no code file at all could be parsed, or a package cannot be cut into splits.
    """
    shards = list_shards(raw)
    groups = groupby(zip(shards, parse_shards(shards, params), strict=True), key=lambda pair: pair[0].package)
    write_parsed(((package, joined([part for _, part in group])) for package, group in groups), raw, out, params)


def list_shards(raw: Path) -> list[Shard]:
    """The files of every package that fetch wrote, in the order of the tables."""
    absolute = Path(os.path.abspath(raw))  # a worker on another machine stands in another folder
    return [shard for package in _packages(raw) for shard in _shards(absolute, package)]


def parse_shards(shards: Sequence[Shard], params: ParseParams) -> Iterator[ShardTables]:
    """The rows of each shard, in their order; a file's split is still its package's."""
    weights = [len(shard.files) for shard in shards]
    return map_ordered(partial(parse_shard, params=params), shards, weights, "parse", "file")


def joined(parts: Sequence[ShardTables]) -> ShardTables:
    """The rows of some shards as one."""
    return ShardTables(*(concat(tables) for tables in zip(*parts, strict=True)))


def write_parsed(packages: Iterable[tuple[PackageKey, ShardTables]], raw: Path, out: Path, params: ParseParams) -> None:
    """Give each file its split and write the three tables, package by package, as `parse_corpus` says."""
    num_files, parsed_code = 0, False
    skipped: Counter[str] = Counter()
    with atomic_folder(out) as scratch, ExitStack() as stack:
        writers = [
            stack.enter_context(TableWriter(scratch / f"{name}.parquet", schema))
            for name, schema in zip(ShardTables._fields, table_schemas(), strict=True)
        ]
        for package, tables in packages:
            num_files += tables.files.num_rows
            parsed_code |= _has_code(tables.files)
            skipped.update(reason for reason in python_values(tables.files.column("reason")) if reason)
            tables = tables._replace(files=_with_splits(tables.files, package, params))
            for writer, table in zip(writers, tables, strict=True):
                writer.write(table)
        if not parsed_code:
            endings = sorted(ending for language in LANGUAGES.values() for ending in language.endings)
            raise CorpusError(
                f"{raw}: no code file could be parsed ({num_files} files seen{_listed(skipped)}); expected files "
                f"ending in {', '.join(endings)}"
            )


def _listed(skipped: Mapping[str, int]) -> str:
    """Reasons with their counts, as a part of a sentence."""
    said = ", ".join(f"{reason} {count}" for reason, count in sorted(skipped.items()))
    return f"; skipped: {said}" if said else ""


def _has_code(files: "pa.Table") -> bool:
    kinds, statuses = python_values(files.column("kind")), python_values(files.column("status"))
    return any(kind == "code" and status != "skipped" for kind, status in zip(kinds, statuses, strict=True))


def _packages(raw: Path) -> list[PackageKey]:
    """The packages that fetch wrote, sorted by name."""
    manifest = read_json(raw / "manifest.json")
    packages = [
        PackageKey(source["name"], source["version"], source["license"], source["split"], tuple(source["languages"]))
        for source in manifest["sources"]
    ]
    for package in packages:
        unknown = sorted(set(package.languages) - set(LANGUAGES))
        if unknown:
            raise CorpusError(
                f"{package.name}: no parser for language '{unknown[0]}'; known: {', '.join(sorted(LANGUAGES))}"
            )
    return sorted(packages)


def _shards(raw: Path, package: PackageKey) -> Iterator[Shard]:
    """A package's files in sorted order, cut by size alone, so that the number of processes changes nothing."""
    folder = raw / package.name
    languages = frozenset(package.languages)
    pending: list[tuple[str, str]] = []
    size = 0
    for file in _walk(str(folder)):
        language = language_of(printable(file), languages)
        if language is None:
            continue
        pending.append((language, file))
        size += _size(folder, file)
        if size >= SHARD_BYTES:
            yield Shard(package, folder, tuple(pending))
            pending, size = [], 0
    if pending:
        yield Shard(package, folder, tuple(pending))


def _walk(folder: str) -> list[str]:
    """Relative posix paths of everything that is not a folder, sorted; links to folders are not followed."""
    found = []
    for parent, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        prefix = parent[len(folder) :].replace(os.sep, "/").lstrip("/")
        found += [f"{prefix}/{name}" if prefix else name for name in [*files, *links]]
    return sorted(found)


def _size(folder: Path, file: str) -> int:
    try:
        return os.lstat(f"{folder}/{file}").st_size
    except OSError:  # vanished since the walk: parse_file will say so
        return 0


def _with_splits(files: "pa.Table", package: PackageKey, params: ParseParams) -> "pa.Table":
    """The files of one package, with the split of each module where the package is split by module."""
    if package.split != BY_MODULE:
        return files
    modules = python_values(files.column("module"))
    chosen = split_modules(package.name, modules, params)
    # Documents and manifests have no module: they speak of the whole repository, which the train split may know.
    splits = string_column([chosen.get(module, "train") for module in modules])
    return files.set_column(files.schema.get_field_index("split"), files.schema.field("split"), splits)
