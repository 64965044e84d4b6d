"""Reading a user's own folder as a source: links are never followed, tools' folders are passed over."""

import os
import stat
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from graphmer.corpus.fetch_config import UnpackLimits
from graphmer.errors import CorpusError

IGNORED_FOLDERS = {"node_modules", "__pycache__"}


def list_folder(folder: Path, where: str, outputs: Collection[Path]) -> tuple[dict[str, int], Counter[str]]:
    """Bytes of each regular file by its path inside `folder`, and a count of what is not one, by reason.

    outputs: folders to pass over without a count, where what we write lies inside the source: a second run must say
    what the first one said.
    Raises CorpusError where the folder is missing.
    """
    if not folder.is_dir():
        raise CorpusError(f"{where}: path: no such folder: {folder}; it counts from the corpus file's own folder")
    files: dict[str, int] = {}
    skipped: Counter[str] = Counter()
    for path in _walk(folder, {output.resolve() for output in outputs}, skipped):
        size = _regular_bytes(path, folder, where, skipped)
        if size is None:
            continue
        files[path.relative_to(folder).as_posix()] = size
    return files, skipped


def check_limits(sizes: Collection[int], where: str, limits: UnpackLimits) -> None:
    """Raises CorpusError where the files that are read are more than the limits allow; sizes: their bytes."""
    if len(sizes) > limits.max_files or sum(sizes) > limits.max_bytes:
        raise CorpusError(
            f"{where}: {len(sizes)} files of code, documents and manifests with {sum(sizes)} bytes, at most "
            f"{limits.max_files} and {limits.max_bytes}; name a folder inside it, or raise fetch.limits in params.yaml"
        )


def read_files(folder: Path, wanted: Collection[str], skipped: Counter[str]) -> Iterator[tuple[str, bytes]]:
    """Path and content of the wanted files; one that has gone or may not be read is counted in `skipped`."""
    for path in sorted(wanted):
        try:
            descriptor = os.open(folder / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with open(descriptor, "rb") as stream:
                data = stream.read()
        except FileNotFoundError:
            skipped["vanished"] += 1
            continue
        except PermissionError:
            skipped["unreadable"] += 1
            continue
        yield path, data


def _walk(folder: Path, outputs: Collection[Path], skipped: Counter[str]) -> Iterator[Path]:
    """Every path below the folder that is no folder (links to folders are paths here)."""

    def unreadable(_: OSError) -> None:
        skipped["unreadable"] += 1

    for top, names, files in os.walk(folder, onerror=unreadable):
        here = Path(top)
        links = [name for name in names if (here / name).is_symlink()]
        inner = [name for name in names if name not in links and (here / name).resolve() not in outputs]
        names[:] = sorted(name for name in inner if not _is_ignored(here / name))
        skipped["ignored"] += len(inner) - len(names)
        yield from (here / name for name in sorted(files + links))
    if not skipped["ignored"]:
        del skipped["ignored"]


def _is_ignored(folder: Path) -> bool:
    is_environment = os.path.isfile(folder / "pyvenv.cfg")  # Path.is_file raises where the folder may not be entered
    return folder.name.startswith(".") or folder.name in IGNORED_FOLDERS or is_environment


def _regular_bytes(path: Path, folder: Path, where: str, skipped: Counter[str]) -> int | None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        skipped["vanished"] += 1
        return None
    if stat.S_ISLNK(status.st_mode):
        # Not Path.resolve(), which raises on a loop of links.
        inside = Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
        skipped["link" if inside else "link_outside"] += 1
        return None
    if not stat.S_ISREG(status.st_mode):
        skipped["special"] += 1
        return None
    return status.st_size
