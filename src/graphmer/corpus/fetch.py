"""The fetch stage: pinned sources to `data/raw/<package>/`, checked, unpacked safely, and cut to what parse reads.

All or nothing: a source that is refused leaves no folder behind. What is left out is counted by reason in
`manifest.json`:

    not_needed     another language's file, data, binaries
    excluded       outside `include`, or inside `exclude`
    ignored        folders of tools in a source of kind `path` (.git, node_modules, virtual environments)
    link           symbolic and hard links: their targets are there under their own names
    special        sockets, FIFOs and devices in a source of kind `path` (in an archive they are refused)
    too_large      longer than fetch.limits.max_file_bytes
    odd_name       names that not every file system holds: control characters, not UTF-8, a backslash, too long
    case_collision names that differ from an earlier one in case alone
    vanished, unreadable   in a source of kind `path`, between listing and reading
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from email.parser import HeaderParser
from pathlib import Path

from packaging.utils import canonicalize_name, canonicalize_version
from tqdm import tqdm

from graphmer.artifacts import atomic_folder, sha256_tree, write_json
from graphmer.corpus.fetch_config import FetchParams
from graphmer.corpus.folder import check_limits, list_folder, read_files
from graphmer.corpus.licences import contradicts, declared_licence, package_facts, parse_licence
from graphmer.corpus.pins import Corpus, Source, load_corpus
from graphmer.corpus.selection import select_files
from graphmer.corpus.sources import obtain_archives
from graphmer.corpus.unpack import list_members, read_members
from graphmer.errors import CorpusError

DOWNLOADS = Path(".scratch/downloads")


def fetch_corpus(pins: Path, out: Path, params: FetchParams, downloads: Path = DOWNLOADS) -> None:
    """Fetch every source of a corpus file into `out`, with `out/manifest.json`.

    downloads: verified archives by digest; what is there needs no network.
    Raises CorpusError, in one line with the remedy, and leaves `out` as it was.
    """
    fetch_sources(load_corpus(pins), pins.parent, out, params, downloads)


def fetch_sources(
    corpus: Corpus,
    base: Path,
    out: Path,
    params: FetchParams,
    downloads: Path = DOWNLOADS,
    outputs: Sequence[Path] = (),
    remedy: str = "check 'languages', 'include' and 'exclude'",
) -> None:
    """As `fetch_corpus`, for a corpus that is no file; paths of kind `path` are relative to `base`.

    outputs: further folders that are written and may lie inside a source: never read as part of it.
    remedy: what to do about a source without code.
    """
    for source in corpus.sources:
        _check_pinned_licence(source, params)
    remote = [source for source in corpus.sources if source.kind != "path"]
    archives = dict(zip((source.name for source in remote), obtain_archives(remote, downloads, params)))
    with atomic_folder(out) as scratch:
        entries = []
        ordered = sorted(corpus.sources, key=lambda source: source.name)
        for source in tqdm(ordered, desc="unpack", unit="package", disable=None):
            origin = archives[source.name] if source.name in archives else base / source.path
            entries.append(_place(source, origin, scratch / source.name, params, (out, *outputs)))
            _check_languages(source, scratch / source.name, remedy)
        write_json(scratch / "manifest.json", {"corpus": corpus.name, "sources": entries})


def _check_pinned_licence(source: Source, params: FetchParams) -> None:
    if not parse_licence(source.license).satisfied_by(params.licences):
        allowed = ", ".join(sorted(params.licences))
        raise CorpusError(
            f"{source.where}: licence {source.license} is not on the allow list ({allowed}); "
            "take the source out, or see fetch.extra_licences and fetch.allow_proprietary in params.yaml"
        )


def _place(
    source: Source, origin: Path, folder: Path, params: FetchParams, outputs: Sequence[Path]
) -> dict[str, object]:
    """Write one source's files below `folder` and give its manifest entry."""
    if source.kind == "path":
        files, skipped = list_folder(origin, source.where, outputs)
        wanted = select_files(files, source, params.limits.max_file_bytes, skipped)
        check_limits([files[path] for path in wanted], source.where, params.limits)
        num_files, num_bytes = _write(folder, read_files(origin, wanted, skipped))
    else:
        files, skipped, top = _list_archive(source, origin, params)
        wanted = select_files(files, source, params.limits.max_file_bytes, skipped)
        members = read_members(origin, source.where, params.limits, {top + path for path in wanted})
        num_files, num_bytes = _write(folder, ((name.removeprefix(top), data) for name, data in members))
        _check_identity(source, folder, top.rstrip("/"))
    declared = _check_declared_licence(source, folder, params)
    return {
        "name": source.name,
        "version": source.version,
        "kind": source.kind,
        "sha256": sha256_tree(folder) if source.kind == "path" else source.sha256,
        "commit": source.commit,
        "license": source.license,
        "declared_license": declared or "undeclared",
        "languages": list(source.languages),
        "split": source.split,
        "files": num_files,
        "bytes": num_bytes,
        "skipped": dict(sorted(skipped.items())),
    }


def _list_archive(source: Source, archive: Path, params: FetchParams) -> tuple[dict[str, int], Counter[str], str]:
    """Bytes of each file below the archive's top folder, a count of its links, and that folder ("" or "name/").

    A source distribution, an npm tarball and a commit have one top folder; any other archive may have none.
    """
    members = list_members(archive, source.where, params.limits)
    tops = {member.path.partition("/")[0] for member in members}
    nested = len(tops) == 1 and all("/" in member.path for member in members)
    if not nested and source.kind in ("pypi", "npm"):
        raise CorpusError(f"{source.where}: expected one folder at the archive's top, got {len(tops)} names")
    top = f"{min(tops)}/" if nested else ""
    files = {member.path.removeprefix(top): member.num_bytes for member in members if not member.is_link}
    num_links = len(members) - len(files)
    return files, Counter(link=num_links) if num_links else Counter(), top


def _write(folder: Path, contents: Iterator[tuple[str, bytes]]) -> tuple[int, int]:
    folder.mkdir(parents=True)
    num_files = num_bytes = 0
    for path, data in contents:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        num_files, num_bytes = num_files + 1, num_bytes + len(data)
    return num_files, num_bytes


def _check_identity(source: Source, folder: Path, top: str) -> None:
    """A digest says which bytes were pinned, not whose: one that is kept from another pin would pass for this one."""
    readers = {"pypi": _sdist_identity, "npm": _npm_identity}
    if source.kind not in readers:
        return  # any other archive, and a commit, has only the name that its pin gives it
    name, version = readers[source.kind](folder, top)
    same_name = canonicalize_name(name) == canonicalize_name(source.name)
    if not same_name or canonicalize_version(version) != canonicalize_version(source.version):
        raise CorpusError(
            f"{source.where}: pinned is {source.name} {source.version}, but the archive of that digest says that it is "
            f"{name or 'nameless'} {version or 'of no version'}; correct name, version or sha256"
        )


def _sdist_identity(folder: Path, top: str) -> tuple[str, str]:
    """Name and version by PKG-INFO, or by the folder at the top, `name-version`."""
    path = folder / "PKG-INFO"
    headers = HeaderParser().parsestr(path.read_text(encoding="utf-8", errors="replace") if path.is_file() else "")
    by_folder = top.rpartition("-")
    return headers.get("Name", by_folder[0]).strip(), headers.get("Version", by_folder[2]).strip()


def _npm_identity(folder: Path, top: str) -> tuple[str, str]:
    path = folder / "package.json"
    stated = package_facts(path.read_text(encoding="utf-8", errors="replace")) if path.is_file() else {}
    return str(stated.get("name", "")), str(stated.get("version", ""))


def _check_languages(source: Source, folder: Path, remedy: str) -> None:
    found = {path.suffix for path in folder.rglob("*") if path.is_file()}
    if not found.intersection(source.endings):
        raise CorpusError(f"{source.where}: no {_listed(source.endings)} file is left; {remedy}")


def _check_declared_licence(source: Source, folder: Path, params: FetchParams) -> str:
    declared = declared_licence(folder)
    if declared and contradicts(source.license, declared, params.licences):
        raise CorpusError(
            f"{source.where}: pinned licence {source.license}, but the package itself declares {declared}; "
            "correct the pin, or take the source out"
        )
    return declared


def _listed(names: Sequence[str]) -> str:
    return " or ".join(names)
