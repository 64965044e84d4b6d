"""From unpacked packages to three tables: files, symbols and references."""

import os
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from graphmer.artifacts import atomic_folder, read_json, write_table
from graphmer.corpus.parse.columns import arrow_table
from graphmer.corpus.parse.config import ParseParams
from graphmer.corpus.parse.executor import map_ordered
from graphmer.corpus.parse.languages import LANGUAGES, language_of
from graphmer.corpus.parse.lines import LineIndex, with_lines, without_lines
from graphmer.corpus.parse.modules import BY_MODULE, split_modules
from graphmer.corpus.parse.reading import PackageKey, parse_file, printable
from graphmer.corpus.parse.schema import files_schema, references_schema, symbols_schema
from graphmer.errors import CorpusError

if TYPE_CHECKING:
    import pyarrow as pa

SHARD_BYTES = 1 << 20  # a task for one process: large enough to repay its dispatch, small enough for the bar to move


class Shard(NamedTuple):
    """Some files of one package, with their languages and sizes."""

    package: PackageKey
    folder: Path
    files: tuple[tuple[str, str], ...]  # (language, path)


class ShardTables(NamedTuple):
    """What a shard gives, in Arrow, which crosses process borders as plain buffers."""

    files: "pa.Table"
    symbols: "pa.Table"
    references: "pa.Table"


def parse_corpus(raw: Path, out: Path, params: ParseParams) -> None:
    """Parse every package under `raw` into the folder `out`: files.parquet, symbols.parquet, references.parquet.

    A file that cannot be parsed is a row with its reason.
    Raises CorpusError where no code file at all could be parsed, or a package cannot be cut into splits.
    """
    import pyarrow as pa

    shards = [shard for package in _packages(raw) for shard in _shards(raw, package)]
    weights = [len(shard.files) for shard in shards]
    results = list(map_ordered(partial(_parse_shard, params=params), shards, weights, "parse", "file"))
    if not any(kind == "code" and status != "skipped" for table in results for kind, status in _outcomes(table.files)):
        found = sum(weights)
        raise CorpusError(
            f"{raw}: no code file could be parsed ({found} files seen); expected files ending in "
            f"{', '.join(sorted(ending for language in LANGUAGES.values() for ending in language.endings))}"
        )
    frames = {
        name: pa.concat_tables([getattr(table, name) for table in results]).to_pandas() for name in ShardTables._fields
    }
    frames["files"]["split"] = _splits(frames["files"], params)
    with atomic_folder(out) as scratch:
        write_table(frames["files"], scratch / "files.parquet", files_schema())
        write_table(frames["symbols"], scratch / "symbols.parquet", symbols_schema())
        write_table(frames["references"], scratch / "references.parquet", references_schema())


def _outcomes(files: "pa.Table") -> Iterator[tuple[str, str]]:
    return zip(files.column("kind").to_pylist(), files.column("status").to_pylist())


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
    pending: list[tuple[str, str]] = []
    size = 0
    for file in _walk(folder):
        language = language_of(printable(file), frozenset(package.languages))
        if language is None:
            continue
        pending.append((language, file))
        size += _size(folder / file)
        if size >= SHARD_BYTES:
            yield Shard(package, folder, tuple(pending))
            pending, size = [], 0
    if pending:
        yield Shard(package, folder, tuple(pending))


def _walk(folder: Path) -> list[str]:
    """Relative posix paths of everything that is not a folder, sorted; links to folders are not followed."""
    found = []
    for parent, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        for name in [*files, *links]:
            found.append(Path(parent, name).relative_to(folder).as_posix())
    return sorted(found)


def _size(path: Path) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:  # vanished since the walk: parse_file will say so
        return 0


def _parse_shard(shard: Shard, params: ParseParams) -> ShardTables:
    files: list[tuple[Any, ...]] = []
    symbols: list[tuple[Any, ...]] = []
    references: list[tuple[Any, ...]] = []
    for language, file in shard.files:
        row, parsed = parse_file(shard.folder, shard.package, language, file, params)
        files.append(row)
        name, package = row.file, shard.package.name
        for symbol in parsed.symbols:
            first, *rest = symbol
            symbols.append((first, package, language, name, parsed.module, *rest))
        references += [(package, language, name, *reference) for reference in parsed.references]
    table, wide = arrow_table(files, files_schema()), symbols_schema()
    return ShardTables(
        table,
        with_lines(arrow_table(symbols, without_lines(wide)), LineIndex(table), wide),
        arrow_table(references, references_schema()),
    )


def _splits(files: Any, params: ParseParams) -> list[str]:
    """The split of each file: its package's, or its module's where the package is split by module."""
    modules: dict[str, list[str]] = defaultdict(list)
    for package, split, module in zip(files["package"], files["split"], files["module"]):
        if split == BY_MODULE:
            modules[package].append(module)
    chosen = {package: split_modules(package, names, params) for package, names in modules.items()}
    # Documents and manifests have no module: they speak of the whole repository, which the train split may know.
    return [
        chosen[package].get(module, "train") if split == BY_MODULE else split
        for package, split, module in zip(files["package"], files["split"], files["module"])
    ]
