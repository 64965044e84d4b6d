"""From a pin to a verified archive on this machine: downloads, kept by digest so that a second run is offline.

npm and git use their own configuration. Nothing of a package is run: no install script, no hook, no submodule, no
filter.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from graphmer.artifacts import atomic_file, sha256_file
from graphmer.corpus.download import from_address, from_index
from graphmer.corpus.fetch_config import FetchParams
from graphmer.corpus.pins import Source
from graphmer.errors import CorpusError

# Overrides the repository's own .gitattributes: the tree as committed, no file left out, rewritten or filtered.
GIT_ATTRIBUTES = "* -export-ignore -export-subst -ident -text -eol -filter -working-tree-encoding\n"


def obtain_archives(sources: Sequence[Source], downloads: Path, params: FetchParams) -> list[Path]:
    """One verified archive for each source, in order, with progress shown; sources of kind `path` have none.

    Raises CorpusError for the first source, in order, that is missing, cannot be reached or has another digest.
    """
    downloads.mkdir(parents=True, exist_ok=True)
    archives = []
    with ThreadPoolExecutor(params.download_threads) as pool:
        jobs = [pool.submit(obtain_archive, source, downloads, params) for source in sources]
        try:
            for job in tqdm(jobs, desc="download", unit="package", disable=None if jobs else True):
                archives.append(job.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return archives


def obtain_archive(source: Source, downloads: Path, params: FetchParams) -> Path:
    """The verified archive of one source: from `downloads` where it is there intact, else from its home."""
    if source.kind == "git":
        return _from_git(source, downloads, params)
    kept = downloads / source.sha256
    if kept.is_file() and sha256_file(kept) == source.sha256:
        return kept
    download = {"pypi": from_index, "npm": _from_npm, "archive": from_address}[source.kind]
    with atomic_file(kept) as scratch:
        download(source, scratch, params)
        _verify(source, sha256_file(scratch))
    return kept


def _verify(source: Source, found: str) -> None:
    if found != source.sha256:
        raise CorpusError(
            f"{source.where}: sha256 is {found}, pinned is {source.sha256}; the file is not the one that was pinned: "
            "do not use it before you know why, then correct the pin"
        )


def _from_npm(source: Source, target: Path, params: FetchParams) -> None:
    with tempfile.TemporaryDirectory() as folder:
        package = f"{source.name}@{source.version}"
        command = ["npm", "pack", package, "--ignore-scripts", "--loglevel=error", f"--pack-destination={folder}"]
        _run(command, source, params, cwd=Path(folder))
        tarballs = sorted(Path(folder).glob("*.tgz"))
        if len(tarballs) != 1:
            raise CorpusError(f"{source.where}: npm pack gave {len(tarballs)} tarballs for {package}, expected one")
        shutil.copyfile(tarballs[0], target)


def _from_git(source: Source, downloads: Path, params: FetchParams) -> Path:
    """A tar of the pinned commit; its name holds its own digest, because a commit id is no digest of the tar."""
    for kept in sorted(downloads.glob(f"git-{source.commit}-*.tar")):
        if kept.stem.rpartition("-")[2] == sha256_file(kept):
            return kept
    with tempfile.TemporaryDirectory(dir=downloads) as folder:
        clone, tar = Path(folder) / "clone", Path(folder) / "commit.tar"
        git = ["git", "-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never"]
        _run([*git, "clone", "--bare", "--quiet", "--template=", "--", source.url, str(clone)], source, params)
        (clone / "info").mkdir(exist_ok=True)
        (clone / "info" / "attributes").write_text(GIT_ATTRIBUTES, encoding="utf-8")
        archive = ["archive", "--format=tar", "--prefix=source/", f"--output={tar}", source.commit]
        _run([*git, f"--git-dir={clone}", *archive], source, params)
        kept = downloads / f"git-{source.commit}-{sha256_file(tar)}.tar"
        os.replace(tar, kept)
    return kept


def _run(command: Sequence[str], source: Source, params: FetchParams, cwd: Path | None = None) -> None:
    """Run npm or git without questions; its last words go into a one-line error."""
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    tool = f"{source.where}: {command[0]}"
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=params.command_timeout_s,
            check=False,
        )
    except FileNotFoundError:
        raise CorpusError(f"{tool} is not installed; install it, or pin the source as another kind") from None
    except subprocess.TimeoutExpired:
        raise CorpusError(f"{tool} took more than {params.command_timeout_s:g} s; check the network") from None
    if done.returncode:
        words = " ".join(done.stderr.decode("utf-8", "replace").split())[:300] or f"exit status {done.returncode}"
        raise CorpusError(f"{tool} failed; check name, version, address and network: {words}")
