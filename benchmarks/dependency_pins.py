"""Choose and pin the packages of dependency inference, by a rule that looks at no result.

    python benchmarks/dependency_pins.py NAMES [--count 160] [--out data/corpora/dependencies.yaml]

NAMES holds package names, one a line, the most downloaded first. Of them, in this order: no package of another corpus
file; no stubs; of names that share the part before the first dash (azure-…, google-…) the most downloaded alone, for
the others would ask the same question again. The rest is taken in the order of a hash of its names until --count are
found whose newest final release has a source distribution of at most MAX_BYTES, a licence that the default allows, as
its own metadata declare it, Python code, and a statement of its dependencies that can be read (corpus/declared.py).
Another hash gives the split: train and val teach aliases, weights and thresholds, test is asked.
Who was left out is counted by reason at the head of the file.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))
sys.path.insert(0, str(ROOT / "benchmarks"))

from dependency_tables import papers_of, python_files  # noqa: E402

from graphmer.artifacts import stable_hash, write_text  # noqa: E402
from graphmer.corpus.declared import declared_dependencies  # noqa: E402
from graphmer.corpus.download import index_client  # noqa: E402
from graphmer.corpus.fetch_config import FetchParams  # noqa: E402
from graphmer.corpus.licences import declared_licence, is_allowed  # noqa: E402
from graphmer.corpus.pins import Source, load_corpus  # noqa: E402
from graphmer.corpus.sources import obtain_archive  # noqa: E402
from graphmer.errors import CorpusError  # noqa: E402
from graphmer.params import load_section, load_tree  # noqa: E402

MAX_BYTES = 3_000_000  # of an archive: 160 of them are then a download that a reviewer repeats in a minute or two
SPLITS = (("test", 6), ("val", 3), ("train", 7))  # sixteenths
AT_ONCE = 16  # names looked up before the count is checked again
DOWNLOADS = ROOT / ".scratch" / "downloads"


class Refused(Exception):
    """A package is left out; the message is the reason, as it is counted."""


class Release(NamedTuple):
    """A source distribution of the index."""

    version: str
    sha256: str


def eligible(names: Sequence[str]) -> list[str]:
    """Names that may be looked up, in the order of their hashes."""
    taken = {canonicalize_name(source.name) for path in (ROOT / "data" / "corpora").glob("*.yaml")
             if path.stem != "dependencies" for source in load_corpus(path).sources}  # fmt: skip
    families: set[str] = set()
    kept = []
    for name in map(canonicalize_name, names):
        family = name.partition("-")[0]
        is_stub = name.startswith("types-") or name.endswith("-stubs")
        if name not in taken and family not in families and not is_stub:
            families.add(family)
            kept.append(name)
    return sorted(kept, key=lambda name: stable_hash("dependencies", name))


def split_of(name: str) -> str:
    """By hash, in sixteenths."""
    place = stable_hash("split", name) % 16
    for split, share in SPLITS:
        if place < share:
            return split
        place -= share
    raise AssertionError("SPLITS hold sixteen sixteenths")


def newest(name: str, params: FetchParams) -> Release:
    """The newest final release's source distribution."""
    with index_client() as client:
        page = client.get_project_page(name, timeout=params.timeout_s)
    found = []
    for package in page.packages:
        try:
            version = Version(package.version or "")
        except InvalidVersion:
            continue
        if package.package_type == "sdist" and not version.is_prerelease and not package.is_yanked:
            found.append((version, package))
    if not found:
        raise Refused("no_source_distribution")
    version, package = max(found, key=lambda pair: (pair[0], pair[1].filename))
    if (package.size or 0) > MAX_BYTES:
        raise Refused("too_large")
    return Release(str(version), package.digests["sha256"])


def pin(name: str, params: FetchParams) -> Source | str:
    """A pinned source, or the reason against it."""
    kept = DOWNLOADS / "none"
    try:
        release = newest(name, params)
        kept = DOWNLOADS / release.sha256
        return _pinned(name, release, params)
    except Refused as refusal:
        kept.unlink(missing_ok=True)
        return str(refusal)
    except CorpusError:
        kept.unlink(missing_ok=True)
        return "archive_refused"


def _pinned(name: str, release: Release, params: FetchParams) -> Source:
    source = Source(
        where=name, kind="pypi", name=name, version=release.version, license="", languages=("python",),
        split=split_of(name), sha256=release.sha256, url="", commit="", path="", include=(), exclude=(),
    )  # fmt: skip
    archive = obtain_archive(source, DOWNLOADS, params)
    papers = papers_of(archive, name, params.limits)
    licence = _licence(papers)
    if not licence:
        raise Refused("licence_not_declared")
    if not is_allowed(licence, params.licences):
        raise Refused("licence_not_allowed")
    if not python_files(archive, name, params.limits):
        raise Refused("no_python")
    if declared_dependencies(papers, name) is None:
        raise Refused("dependencies_not_readable")
    return Source(**{**source.__dict__, "license": licence})


def _licence(papers: dict[str, bytes]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        for paper in ("PKG-INFO", "pyproject.toml"):
            if paper in papers:
                (Path(folder) / paper).write_bytes(papers[paper])
        return declared_licence(Path(folder))


def choose(names: Sequence[str], count: int, params: FetchParams) -> tuple[list[Source], Counter[str]]:
    """The first `count` packages that pass, and how many were left out for what."""
    chosen: list[Source] = []
    refused: Counter[str] = Counter()
    with ThreadPoolExecutor(params.download_threads) as pool:
        for start in range(0, len(names), AT_ONCE):
            for result in pool.map(lambda name: pin(name, params), names[start : start + AT_ONCE]):
                if len(chosen) == count:
                    break
                if isinstance(result, Source):
                    chosen.append(result)
                else:
                    refused[result] += 1
            print(f"{len(chosen)} of {count} chosen, {sum(refused.values())} left out", file=sys.stderr)
            if len(chosen) == count:
                return chosen, refused
    sys.exit(f"dependency_pins: {len(chosen)} packages pass, {count} were asked for; give a longer list of names")


def lines(chosen: Sequence[Source], refused: Counter[str]) -> Iterator[str]:
    """The corpus file."""
    splits = Counter(source.split for source in chosen)
    reasons = ", ".join(f"{reason} {number}" for reason, number in sorted(refused.items()))
    yield "# Packages of dependency inference, chosen and pinned by benchmarks/dependency_pins.py, which says how."
    yield f"# {splits['train']} in train, {splits['val']} in val, {splits['test']} in test."
    yield f"# Left out on the way, by reason: {reasons}."
    yield "name: dependencies"
    yield "sources:"
    for source in sorted(chosen, key=lambda source: (["train", "val", "test"].index(source.split), source.name)):
        yield f'  - kind: pypi\n    name: {source.name}\n    version: "{source.version}"'
        yield f"    sha256: {source.sha256}\n    license: {source.license}\n    languages: [python]"
        yield f"    split: {source.split}"


def main() -> None:
    """Choose and write."""
    parser = argparse.ArgumentParser(prog="benchmarks/dependency_pins.py", description=__doc__.splitlines()[0])
    parser.add_argument("names", type=Path, help="package names, one a line, the most downloaded first")
    parser.add_argument("--count", type=int, default=160, help="how many to pin")
    parser.add_argument("--out", type=Path, default=ROOT / "data/corpora/dependencies.yaml", help="file")
    arguments = parser.parse_args()
    params = load_section(load_tree(ROOT / "params.yaml"), "fetch", FetchParams)
    names = eligible(arguments.names.read_text(encoding="utf-8").split())
    write_text(arguments.out, "\n".join(lines(*choose(names, arguments.count, params))) + "\n")


if __name__ == "__main__":
    main()
