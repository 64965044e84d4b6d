"""Archives of strangers: what is unsafe is refused in one line, and nothing is read past the limits."""

import bz2
import gzip
import io
import lzma
import posixpath
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmer.corpus.fetch_config import UnpackLimits
from graphmer.corpus.unpack import list_members, read_members
from graphmer.errors import CorpusError

LIMITS = UnpackLimits(max_files=20, max_bytes=4 << 20, max_file_bytes=1 << 20, max_ratio=50.0, ratio_from_bytes=1 << 16)


def tar_of(*members: tuple[str, bytes] | tarfile.TarInfo) -> bytes:
    """A tar with the given files, or with bare headers (links, devices)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                tar.addfile(info, io.BytesIO(member[1]))
    return buffer.getvalue()


def header(name: str, kind: bytes, linkname: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, linkname
    return info


def zip_of(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, data in members:
            bundle.writestr(name, data)
    return buffer.getvalue()


def zip_link(name: str, target: bytes, mode: int = 0o120777) -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return info, target


def refusal(tmp_path: Path, data: bytes) -> str:
    """The message with which an archive is refused; it must be one line that names the package."""
    archive = tmp_path / "archive"
    archive.write_bytes(data)
    with pytest.raises(CorpusError) as caught:
        list_members(archive, "corpus.yaml: sources[0] (evil)", LIMITS)
    message = str(caught.value)
    assert "\n" not in message
    assert "(evil)" in message
    return message


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress], ids=["tar", "gz", "bz2", "xz"])
def test_every_packing_of_a_tar_gives_the_same_members_and_bytes(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(pack(tar_of(("top/b.py", b"b = 2\r\n"), ("top/./a.py", b"a = 1\n"))))
    members = list_members(archive, "x", LIMITS)
    assert [(member.path, member.num_bytes) for member in members] == [("top/a.py", 6), ("top/b.py", 7)]
    assert dict(read_members(archive, "x", LIMITS, {"top/b.py"})) == {"top/b.py": b"b = 2\r\n"}


def test_a_zip_gives_its_members_and_bytes(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(zip_of(("top/a.py", b"a"), ("top/", b""), zip_link("top/l.py", b"a.py")))
    assert [tuple(member) for member in list_members(archive, "x", LIMITS)] == [
        ("top/a.py", 1, False),
        ("top/l.py", 0, True),
    ]
    assert dict(read_members(archive, "x", LIMITS, {"top/a.py"})) == {"top/a.py": b"a"}


@pytest.mark.parametrize("name", ["../evil.py", "top/../../evil.py", "top/..", "..\\evil.py", "top/a/../b.py"])
def test_a_member_that_climbs_out_is_refused_by_name(tmp_path: Path, name: str) -> None:
    assert repr(name)[1:-1] in refusal(tmp_path, tar_of(("top/a.py", b""), (name, b"x")))
    assert repr(name)[1:-1] in refusal(tmp_path, zip_of(("top/a.py", b""), (name, b"x")))


@pytest.mark.parametrize("name", ["/etc/passwd", "C:\\evil.py", "c:/evil.py", "\\evil.py"])
def test_an_absolute_path_is_refused(tmp_path: Path, name: str) -> None:
    assert "absolute" in refusal(tmp_path, gzip.compress(tar_of((name, b"x"))))
    assert "absolute" in refusal(tmp_path, zip_of((name, b"x")))


@pytest.mark.parametrize(
    "link",
    [
        header("top/l", tarfile.SYMTYPE, "../../etc"),
        header("top/l", tarfile.SYMTYPE, "/etc/passwd"),
        header("top/l", tarfile.LNKTYPE, "../secret"),
        header("top/l", tarfile.LNKTYPE, "/etc/passwd"),
    ],
    ids=["symbolic-up", "symbolic-absolute", "hard-up", "hard-absolute"],
)
def test_a_link_that_leaves_the_archive_is_refused(tmp_path: Path, link: tarfile.TarInfo) -> None:
    assert "link 'top/l' leaves the archive" in refusal(tmp_path, tar_of(("top/a.py", b""), link))


def test_a_zipped_link_that_leaves_the_archive_is_refused(tmp_path: Path) -> None:
    assert "link 'top/l' leaves" in refusal(tmp_path, zip_of(zip_link("top/l", b"../../etc")))


def test_a_link_inside_the_archive_is_listed_as_a_link(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    links = header("top/README.rst", tarfile.SYMTYPE, "docs/index.rst"), header("top/h", tarfile.LNKTYPE, "top/a.py")
    archive.write_bytes(tar_of(("top/a.py", b"a"), *links))
    assert [member.path for member in list_members(archive, "x", LIMITS) if member.is_link] == [
        "top/README.rst",
        "top/h",
    ]


@pytest.mark.parametrize("kind", [tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.GNUTYPE_SPARSE, b"?"])
def test_devices_fifos_and_sparse_files_are_refused(tmp_path: Path, kind: bytes) -> None:
    raw = bytearray(tar_of(header("top/dev", kind)))
    assert "'top/dev' is a device" in refusal(tmp_path, bytes(raw))


def test_a_zipped_fifo_is_refused(tmp_path: Path) -> None:
    assert "'top/f' is a device" in refusal(tmp_path, zip_of(zip_link("top/f", b"", mode=0o010644)))


def test_a_member_named_twice_is_refused(tmp_path: Path) -> None:
    assert "'top/a.py' is there twice" in refusal(tmp_path, tar_of(("top/a.py", b"1"), ("top//a.py", b"2")))


def test_a_name_that_is_both_file_and_folder_is_refused(tmp_path: Path) -> None:
    assert "'top/a' is both" in refusal(tmp_path, tar_of(("top/a", b"1"), ("top/a/b.py", b"2")))


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    data = bytearray(zip_of(("top/a.py", b"a")))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in refusal(tmp_path, bytes(data))


def test_more_members_than_allowed_are_refused(tmp_path: Path) -> None:
    many = [(f"top/{index}.py", b"") for index in range(21)]
    assert "fetch.limits.max_files" in refusal(tmp_path, tar_of(*many))
    assert "fetch.limits.max_files" in refusal(tmp_path, zip_of(*many))


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    noise = bytes(range(256)) * (5 << 12)
    assert "fetch.limits.max_bytes" in refusal(tmp_path, tar_of(("top/a.bin", noise)))
    assert "fetch.limits.max_bytes" in refusal(tmp_path, zip_of(("top/a.bin", noise)))


def test_a_small_archive_that_unpacks_hundredfold_is_refused(tmp_path: Path) -> None:
    zeros = bytes(1 << 20)
    assert "bomb" in refusal(tmp_path, gzip.compress(tar_of(("top/a.py", zeros))))
    assert "bomb" in refusal(tmp_path, zip_of(("top/a.py", zeros)))


def test_padding_alone_does_not_make_a_bomb(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(gzip.compress(tar_of(("top/a.py", b""))))
    assert len(list_members(archive, "x", LIMITS)) == 1


def test_a_bomb_is_stopped_while_it_unpacks_not_by_its_headers(tmp_path: Path) -> None:
    # The header of the only member says 0 bytes; a gigabyte of zeros would follow it.
    endless = io.BytesIO()
    with gzip.GzipFile(fileobj=endless, mode="wb", compresslevel=1) as stream:
        stream.write(tar_of(("top/a.py", b""))[:512])
        info = tarfile.TarInfo("top/pax")
        info.type, info.size = tarfile.XHDTYPE, 1 << 30
        stream.write(info.tobuf(tarfile.USTAR_FORMAT) + bytes(8 << 20))
    assert "bomb" in refusal(tmp_path, endless.getvalue())


@pytest.mark.parametrize("data", [b"", b"no archive at all" * 99, b"PK\x03\x04junk", b"\x1f\x8bjunk", b"BZh9junk"])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    assert "not a readable" in refusal(tmp_path, data)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gz", "bz2", "xz"])
def test_a_truncated_archive_is_refused(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    whole = pack(tar_of(("top/a.py", bytes(range(256)) * 40)))
    assert "not a readable" in refusal(tmp_path, whole[: len(whole) // 2])


def test_a_damaged_zip_member_is_refused_when_it_is_read(tmp_path: Path) -> None:
    data = bytearray(zip_of(("top/a.py", b"hello world, hello world")))
    data[45] ^= 0xFF
    archive = tmp_path / "archive"
    archive.write_bytes(data)
    with pytest.raises(CorpusError, match="not a readable"):
        list(read_members(archive, "x", LIMITS, {"top/a.py"}))


@given(st.lists(st.text(alphabet="./\\ab:C\n'\"\udc80", min_size=1, max_size=12), min_size=1, max_size=3))
def test_every_listed_path_stays_inside_whatever_the_names(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "archive"
        archive.write_bytes(tar_of(*((name, b"") for name in names)))
        try:
            members = list_members(archive, "x", LIMITS)
        except CorpusError:  # refused: as good
            return
    for member in members:
        assert posixpath.normpath(member.path or ".") == (member.path or ".")
        assert not member.path.startswith("/")
        assert ".." not in member.path.split("/")
