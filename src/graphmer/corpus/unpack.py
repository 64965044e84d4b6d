"""Reading archives of strangers: nothing is written here, and nothing is read past the limits.

Refused, with the package and the member: absolute paths, `..`, links that leave the archive, devices, FIFOs and
sparse files, members named twice, encrypted members, and archives that unpack to more than the limits say. The
bytes are counted as they are decompressed, so a header that lies about a size gains nothing.
"""

import bz2
import gzip
import lzma
import posixpath
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple, cast

from graphmer.corpus.fetch_config import UnpackLimits
from graphmer.errors import CorpusError

# What the standard library raises on bytes that are no archive; NotImplementedError is a compression that zipfile
# does not know, RecursionError a chain of thousands of tar headers without a member.
DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    ValueError,
    NotImplementedError,
    RecursionError,
)
MAGIC: dict[bytes, Callable[..., object]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}


class Member(NamedTuple):
    """A file of an archive under its normalised path, or a link, whose content is never followed."""

    path: str
    num_bytes: int
    is_link: bool


Read = Callable[[], bytes]


def list_members(archive: Path, where: str, limits: UnpackLimits) -> list[Member]:
    """Every file and link of a .zip or .tar(.gz|.bz2|.xz), in order of path; the whole archive is checked.

    where: names the package in messages.
    Raises CorpusError at the first member that is not safe, past a limit, or where the archive is damaged.
    """
    files: dict[str, Member] = {}
    folders: set[str] = set()
    num_bytes = 0
    for index, (member, _) in enumerate(_walk(archive, where, limits)):
        if index >= limits.max_files:
            raise CorpusError(f"{where}: more than {limits.max_files} members; raise fetch.limits.max_files if it may")
        if member is None:
            continue
        if member.path in files:
            raise CorpusError(f"{where}: member '{_shown(member.path)}' is there twice; refused")
        num_bytes += member.num_bytes
        _check_size(archive, where, limits, num_bytes)
        files[member.path] = member
        folders.update(_parents(member.path))
    if both := sorted(folders & files.keys()):
        raise CorpusError(f"{where}: member '{_shown(both[0])}' is both a file and a folder; refused")
    return [files[path] for path in sorted(files)]


def read_members(
    archive: Path, where: str, limits: UnpackLimits, wanted: Collection[str]
) -> Iterator[tuple[str, bytes]]:
    """Path and content of the wanted files, in the archive's order; `list_members` must have passed it."""
    for member, read in _walk(archive, where, limits):
        if member is not None and member.path in wanted:
            with _damage_named(where):
                content = read()
            yield member.path, content


class _Bounded:
    """A stream that counts what is read from it, and refuses to be read past the limits."""

    def __init__(self, stream: IO[bytes], check: Callable[[int], None]) -> None:
        self._stream = stream
        self._check = check
        self._num_bytes = 0

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._num_bytes += len(data)
        self._check(self._num_bytes)
        return data


def _walk(archive: Path, where: str, limits: UnpackLimits) -> Iterator[tuple[Member | None, Read]]:
    """Each member with a function that reads it; None for a folder. Every path is checked."""
    with archive.open("rb") as stream:
        is_zip = stream.read(2) == b"PK"
    entries = _walk_zip(archive, where) if is_zip else _walk_tar(archive, where, limits)
    while True:
        with _damage_named(where):  # around each step alone: the caller's own errors are not damage
            entry = next(entries, None)
        if entry is None:
            return
        yield entry


def _walk_tar(archive: Path, where: str, limits: UnpackLimits) -> Iterator[tuple[Member | None, Read]]:
    def check(num_bytes: int) -> None:
        _check_size(archive, where, limits, num_bytes)

    with _decompressed(archive) as stream:
        bounded = cast(IO[bytes], _Bounded(stream, check))
        with tarfile.open(fileobj=bounded, mode="r|", encoding="utf-8", errors="surrogateescape") as tar:
            for info in tar:
                yield _tar_member(info, where), _reader(tar, info)


def _reader(tar: tarfile.TarFile, info: tarfile.TarInfo) -> Read:
    def read() -> bytes:
        stream = tar.extractfile(info)
        assert stream is not None, f"{info.name} is no file"
        return stream.read()

    return read


def _tar_member(info: tarfile.TarInfo, where: str) -> Member | None:
    path = _safe_path(info.name, where)
    if info.isdir():
        return None
    if info.issym() or info.islnk():
        # A symbolic link counts from its own folder, a hard link from the archive's top.
        target = posixpath.join(posixpath.dirname(path), info.linkname) if info.issym() else info.linkname
        _check_link(path, info.linkname, target, where)
        return Member(path, 0, is_link=True)
    if not info.isreg() or info.issparse():
        raise CorpusError(f"{where}: member '{_shown(info.name)}' is a device, FIFO or sparse file; refused")
    return Member(path, info.size, is_link=False)


def _walk_zip(archive: Path, where: str) -> Iterator[tuple[Member | None, Read]]:
    with zipfile.ZipFile(archive) as bundle:
        for info in bundle.infolist():

            def read(info: zipfile.ZipInfo = info) -> bytes:
                with bundle.open(info) as stream:
                    return stream.read(info.file_size)

            yield _zip_member(bundle, info, where), read


def _zip_member(bundle: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> Member | None:
    path = _safe_path(info.filename, where)
    mode = info.external_attr >> 16
    if info.is_dir():
        return None
    if info.flag_bits & 0x1:
        raise CorpusError(f"{where}: member '{_shown(info.filename)}' is encrypted; refused")
    if stat.S_ISLNK(mode):
        with bundle.open(info) as stream:
            linked = stream.read(4096).decode("utf-8", "surrogateescape")
        _check_link(path, linked, posixpath.join(posixpath.dirname(path), linked), where)
        return Member(path, 0, is_link=True)
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise CorpusError(f"{where}: member '{_shown(info.filename)}' is a device, FIFO or socket; refused")
    return Member(path, info.file_size, is_link=False)


@contextmanager
def _decompressed(archive: Path) -> Iterator[IO[bytes]]:
    with archive.open("rb") as stream:
        head = stream.read(6)
    opener = next((opener for magic, opener in MAGIC.items() if head.startswith(magic)), None)
    with archive.open("rb") if opener is None else cast(IO[bytes], opener(archive, "rb")) as stream:
        yield stream


@contextmanager
def _damage_named(where: str) -> Iterator[None]:
    try:
        yield
    except (*DAMAGE, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the machine's trouble; a decompressor's own complaint has no number
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CorpusError(f"{where}: not a readable .zip or .tar archive ({reason}); pin an intact one") from None


def _check_size(archive: Path, where: str, limits: UnpackLimits, num_bytes: int) -> None:
    if num_bytes > limits.max_bytes:
        raise CorpusError(
            f"{where}: unpacks to more than {limits.max_bytes} bytes; raise fetch.limits.max_bytes if it may"
        )
    packed_bytes = archive.stat().st_size if num_bytes > limits.ratio_from_bytes else 0
    if packed_bytes and num_bytes > limits.max_ratio * packed_bytes:
        raise CorpusError(
            f"{where}: unpacks to more than {limits.max_ratio:g} times its {packed_bytes} bytes, which looks like a "
            "bomb; raise fetch.limits.max_ratio if it may"
        )


def _safe_path(name: str, where: str) -> str:
    """The path with `.` and doubled slashes taken out; a backslash is judged as a separator, for Windows is one."""
    parts = re.split(r"[/\\]", name)
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:[/\\]", name):
        raise CorpusError(f"{where}: member '{_shown(name)}' has an absolute path; refused")
    if ".." in parts:
        raise CorpusError(f"{where}: member '{_shown(name)}' leaves the archive through '..'; refused")
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _check_link(path: str, linked: str, target: str, where: str) -> None:
    if linked.startswith(("/", "\\")) or posixpath.normpath(target).split("/")[0] == "..":
        raise CorpusError(f"{where}: link '{_shown(path)}' leaves the archive for '{_shown(linked)}'; refused")


def _parents(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def _shown(name: str) -> str:
    """A name fit for a one-line message, whatever a stranger put into it."""
    return name.encode("unicode_escape").decode("ascii")[:200]
