"""Files between stages: digests, atomic writes, schema-checked tables, canonical JSON."""

import errno
import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphmer.errors import ArtifactError

if TYPE_CHECKING:  # pandas and pyarrow cost 0.4 s of start-up: only functions that read tables pay
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

CHUNK_BYTES = 1 << 20
MAX_DICTIONARY_BYTES = 1 << 28  # of a column in a row group; a larger one is written as plain strings


def sha256_bytes(data: bytes) -> str:
    """Hex digest of bytes."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Hex digest of a file, read in chunks."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def sha256_tree(folder: Path) -> str:
    """Hex digest of a folder: every file's relative path and digest, in sorted order."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*"), key=lambda p: p.relative_to(folder).as_posix()):
        if path.is_file():
            digest.update(f"{path.relative_to(folder).as_posix()}\0{sha256_file(path)}\n".encode())
    return digest.hexdigest()


def sha256_files(folder: Path) -> dict[str, str]:
    """Hex digest of every file below a folder, by its path in there, in sorted order."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256_file(path) for path in files}


def sha256_json(value: object) -> str:
    """Hex digest of plain values; unlike canonical JSON nothing is rounded, so that 1e-7 and 2e-7 differ."""
    return sha256_bytes(json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False).encode())


def stable_hash(*parts: object) -> int:
    """A 64-bit hash that is the same in every process, unlike hash(); for seeded choices keyed by content."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


@contextmanager
def atomic_folder(out: Path) -> Iterator[Path]:
    """A scratch folder beside `out` that takes its place only when the block ends well.

    A kill or a full disk leaves no half-written folder under the name that a later stage reads. Where `out` is a link,
    the folder that it leads to is replaced. Raises ArtifactError where that is the current folder or one above it, or
    where what an earlier run left beside it cannot be deleted, and PermissionError where it may not be written.
    """
    out = out.resolve()
    if Path.cwd().is_relative_to(out):
        raise ArtifactError(f"{out}: the current folder is in it, so it cannot be replaced; name another one")
    if out.exists() and not os.access(out, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(out))
    scratch, earlier = (out.with_name(f".{out.name}.{what}") for what in ("partial", "earlier"))
    if earlier.exists() and not out.exists():
        os.replace(earlier, out)  # a kill came between the two renames below
    for left in (scratch, earlier):
        if left.exists() or left.is_symlink():
            try:
                _delete(left)
            except OSError as error:
                reason = f"{left}: an earlier run left it and it cannot be deleted ({error.strerror})"
                raise ArtifactError(f"{reason}; delete it and run again") from None
    scratch.mkdir(parents=True)
    try:
        yield scratch
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    if out.exists():  # aside, not deleted: that takes a while, in which there would be half a folder or none
        os.replace(out, earlier)
    os.replace(scratch, out)
    if earlier.exists():
        _delete(earlier)


def _delete(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        path.unlink()
        return
    for folder, _, _ in os.walk(path):
        if not os.access(folder, os.W_OK):
            os.chmod(folder, 0o700)  # from a folder that may not be written nothing can be deleted
    shutil.rmtree(path)


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A scratch path beside `path` that takes its place only when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # One for each writer: of several that write the same file the last one wins, with a whole file.
    scratch = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.partial")
    try:
        yield scratch
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with LF line ends, atomically."""
    with atomic_file(path) as scratch:
        scratch.write_text(text, encoding="utf-8", newline="\n")


def canonical_json(value: object, decimals: int = 6) -> str:
    """JSON with sorted keys, two-space indent, floats rounded to so many decimals, and no NaN.

    Raises ValueError on NaN or infinity: a metric that is not a number is a defect, not a value.
    """
    return json.dumps(_rounded(value, decimals), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _rounded(value: object, decimals: int) -> object:
    if isinstance(value, float):
        return round(value, decimals)
    if isinstance(value, Mapping):
        return {str(key): _rounded(item, decimals) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item, decimals) for item in value]
    return value


def write_json(path: Path, value: object, decimals: int = 6) -> None:
    """Write canonical JSON, atomically."""
    write_text(path, canonical_json(value, decimals))


def read_json(path: Path) -> Any:
    """Read JSON; raises ArtifactError that names the file where it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtifactError(f"{path}: not found; run the stage that writes it (dvc repro)") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ArtifactError(f"{path}: not readable as JSON ({error}); delete it and run dvc repro") from None


def nested(flat: Mapping[str, object]) -> dict[str, Any]:
    """{'a.b': 1} as {'a': {'b': 1}}: DVC shows nested metrics by their dotted path."""
    tree: dict[str, Any] = {}
    for dotted in sorted(flat):
        *parents, leaf = dotted.split(".")
        node = tree
        for name in parents:
            node = node.setdefault(name, {})
        node[leaf] = flat[dotted]
    return tree


def dotted(tree: object, path: str = "") -> dict[str, Any]:
    """The way back from `nested`: values by their dotted path, in the tree's order."""
    if not isinstance(tree, Mapping):
        return {path: tree}
    parts = [dotted(part, f"{path}.{name}" if path else str(name)) for name, part in tree.items()]
    return {key: value for part in parts for key, value in part.items()}


def write_table(frame: "pd.DataFrame", path: Path, schema: "pa.Schema") -> None:
    """Write a Parquet file (zstd) with exactly the columns of `schema`, in its order; same rows, same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    missing = [name for name in schema.names if name not in frame.columns]
    extra = [name for name in frame.columns if name not in schema.names]
    assert not missing, f"{path.name}: columns {missing} are missing"
    assert not extra, f"{path.name}: columns {extra} are not in the schema"
    table = pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
    with atomic_file(path) as scratch:
        pq.write_table(table.replace_schema_metadata(None), scratch, compression="zstd")


class TableWriter:
    """A Parquet file (zstd) that is written part by part, each a row group or more; same parts, same bytes.

    Dictionary columns go into the file as they are and come back as plain strings, unless they are asked for; columns
    of whole numbers are stored as differences, which takes a third of the time and of the bytes that the default takes.
    """

    def __init__(self, path: Path, schema: "pa.Schema") -> None:
        """schema: the columns in memory, those of the file being their plain types."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        def named(kind: Callable[["pa.DataType"], bool]) -> list[str]:
            return [field.name for field in schema if kind(field.type)]

        self.schema = schema.remove_metadata()
        self.writer = pq.ParquetWriter(
            path,
            self.schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=named(pa.types.is_dictionary) + named(pa.types.is_floating),
            column_encoding=dict.fromkeys(named(pa.types.is_integer), "DELTA_BINARY_PACKED"),
            dictionary_pagesize_limit=MAX_DICTIONARY_BYTES,
            write_statistics=[name for name in ("package",) if name in schema.names],
            store_schema=False,
        )

    def write(self, table: "pa.Table") -> None:
        """Add rows."""
        self.writer.write_table(table.cast(self.schema) if table.schema != self.schema else table)

    def __enter__(self) -> "TableWriter":
        return self

    def __exit__(self, *_error: object) -> None:
        self.writer.close()


def open_table(path: Path, schema: "pa.Schema", dictionaries: Collection[str] = ()) -> "pq.ParquetFile":
    """A Parquet file to read in parts, which must have the columns and types of `schema`.

    dictionaries: string columns that are read as dictionary arrays.
    Raises ArtifactError where it is missing, damaged or of another layout.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.exists():
        raise ArtifactError(f"{path}: not found; run the stage that writes it (dvc repro)")
    try:
        file = pq.ParquetFile(path, read_dictionary=list(dictionaries))
    except (pa.ArrowInvalid, OSError) as error:
        raise ArtifactError(f"{path}: not readable as Parquet ({error}); delete it and run dvc repro") from None
    plain = [(field.name, getattr(field.type, "value_type", field.type)) for field in file.schema_arrow]
    if plain != [(field.name, field.type) for field in schema]:
        names = file.schema_arrow.names
        raise ArtifactError(f"{path}: columns {names} are not the expected {schema.names}; run dvc repro")
    return file


def records(frame: "pd.DataFrame") -> Iterator[Any]:
    """Rows as named tuples; untyped, since a table's columns are known from its schema and not to a type checker."""
    return iter(frame.itertuples(index=False))


def read_table(path: Path, schema: "pa.Schema", columns: list[str] | None = None) -> "pd.DataFrame":
    """Read a Parquet file, or a folder of shards, that must have the columns and types of `schema`.

    Raises ArtifactError where it is missing, damaged or of another layout.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.exists():
        raise ArtifactError(f"{path}: not found; run the stage that writes it (dvc repro)")
    try:
        found = pq.read_schema(path) if path.is_file() else None
        table = pq.read_table(path, columns=columns)
    except (pa.ArrowInvalid, OSError) as error:
        raise ArtifactError(f"{path}: not readable as Parquet ({error}); delete it and run dvc repro") from None
    if found is not None and not found.remove_metadata().equals(schema.remove_metadata()):
        raise ArtifactError(f"{path}: columns {found.names} are not the expected {schema.names}; run dvc repro")
    frame: pd.DataFrame = table.to_pandas()
    return frame
