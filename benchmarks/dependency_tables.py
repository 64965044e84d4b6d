"""Facts for dependency inference: what each pinned package imports, and what its manifest declares.

    python benchmarks/dependency_tables.py [--corpus data/corpora/dependencies.yaml] [--out data/dependencies]

Fetches the source distributions as the pipeline does (digests verified, licences checked, unpacked safely, nothing
executed), and writes three small tables; of the code itself nothing is kept:

    packages.csv   package, version, sha256, license, split, python (that parsed), statement, modules, counts
    declared.csv   package, distribution, marker
    imports.csv    package, module, place, circumstance, files

A statement is where the dependencies stand (src/graphmer/corpus/declared.py); modules are the top-level ones that the
package installs, by space; places and circumstances: src/graphmer/corpus/import_facts.py. The eval stage reads these
tables alone. The same pins and Python give the same bytes.
"""

import argparse
import csv
import io
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from graphmer.artifacts import atomic_folder, write_text  # noqa: E402
from graphmer.corpus.declared import Declaration, declared_dependencies  # noqa: E402
from graphmer.corpus.fetch import fetch_sources  # noqa: E402
from graphmer.corpus.fetch_config import FetchParams, UnpackLimits  # noqa: E402
from graphmer.corpus.import_facts import NO_MODULE, ImportFacts, import_facts  # noqa: E402
from graphmer.corpus.pins import Source, load_corpus  # noqa: E402
from graphmer.corpus.unpack import list_members, read_members  # noqa: E402
from graphmer.errors import CorpusError  # noqa: E402
from graphmer.params import load_section, load_tree  # noqa: E402

DOWNLOADS = ROOT / ".scratch" / "downloads"
UNPACKED = ROOT / ".scratch" / "dependencies"
MANIFESTS = ("PKG-INFO", "pyproject.toml", "setup.cfg", "setup.py")
EGG_FILES = ("PKG-INFO", "requires.txt", "top_level.txt")
COUNTS = ("files", "syntax_error", "stdlib", "own")
HEADS = {
    "packages": ("package", "version", "sha256", "license", "split", "python", "statement", "modules", *COUNTS),
    "declared": ("package", "distribution", "marker"),
    "imports": ("package", "module", "place", "circumstance", "files"),
}
Row = tuple[object, ...]


class PackageFacts(NamedTuple):
    """All that is kept of one package."""

    source: Source
    declaration: Declaration
    imports: ImportFacts


def papers_of(archive: Path, where: str, limits: UnpackLimits) -> dict[str, bytes]:
    """Manifests at an archive's top, and files of its egg-info, by path below the top folder."""
    return _members(archive, where, limits, _is_paper)


def _is_paper(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return path in MANIFESTS or (folder.endswith(".egg-info") and name in EGG_FILES)


def python_files(archive: Path, where: str, limits: UnpackLimits) -> dict[str, bytes]:
    """Python files by path below the archive's top folder; those past the limit of one file are left out."""
    return _members(archive, where, limits, lambda path: path.endswith(".py"))


def _members(archive: Path, where: str, limits: UnpackLimits, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    members = list_members(archive, where, limits)
    chosen = {
        member.path
        for member in members
        if not member.is_link and member.num_bytes <= limits.max_file_bytes and wanted(member.path.partition("/")[2])
    }
    return {path.partition("/")[2]: data for path, data in read_members(archive, where, limits, chosen)}


def package_facts(source: Source, folder: Path, params: FetchParams) -> PackageFacts:
    """Read one fetched package: its code from `folder`, its papers from the verified archive.

    The fetched folder leaves egg-info out, which some packages alone say their dependencies in.
    """
    papers = papers_of(DOWNLOADS / source.sha256, source.where, params.limits)
    declaration = declared_dependencies(papers, source.name)
    if declaration is None:
        raise CorpusError(f"{source.where}: its dependencies cannot be read without running it; take it out")
    code = {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.py"))}
    return PackageFacts(source, declaration, import_facts(source.name, code, _installed(papers)))


def _installed(papers: dict[str, bytes]) -> frozenset[str]:
    """Top-level modules by the egg-info; an empty set where there is none."""
    texts = [data.decode("utf-8", "replace") for path, data in papers.items() if path.endswith("/top_level.txt")]
    names = [name for text in texts[:1] for name in text.split()]
    return frozenset(name for name in names if name.isidentifier() and name.lower() not in NO_MODULE)


def tables(facts: Sequence[PackageFacts]) -> dict[str, list[Row]]:
    """Rows of each table, sorted."""
    rows: dict[str, list[Row]] = {name: [] for name in HEADS}
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    for one in sorted(facts, key=lambda one: one.source.name):
        source, counts = one.source, one.imports.counts
        said = (python, one.declaration.source, " ".join(sorted(one.imports.own)), *(counts[name] for name in COUNTS))
        rows["packages"].append((source.name, source.version, source.sha256, source.license, source.split, *said))
        rows["declared"] += [(source.name, *item) for item in sorted(one.declaration.markers.items())]
        rows["imports"] += [(source.name, *key, files) for key, files in sorted(one.imports.files.items())]
    return rows


def csv_text(head: Iterable[str], rows: Iterable[Row]) -> str:
    """CSV with LF line ends."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()


def main() -> None:
    """Fetch, read, write."""
    parser = argparse.ArgumentParser(prog="benchmarks/dependency_tables.py", description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, default=ROOT / "data/corpora/dependencies.yaml", help="pins")
    parser.add_argument("--out", type=Path, default=ROOT / "data/dependencies", help="folder")
    arguments = parser.parse_args()
    params = load_section(load_tree(ROOT / "params.yaml"), "fetch", FetchParams)
    try:
        corpus = load_corpus(arguments.corpus)
        fetch_sources(corpus, arguments.corpus.parent, UNPACKED, params, DOWNLOADS)
        facts = [
            package_facts(source, UNPACKED / source.name, params)
            for source in tqdm(corpus.sources, desc="read", unit="package")
        ]
    except CorpusError as error:
        sys.exit(f"dependency_tables: {error}")
    with atomic_folder(arguments.out) as scratch:
        for name, rows in tables(facts).items():
            write_text(scratch / f"{name}.csv", csv_text(HEADS[name], rows))


if __name__ == "__main__":
    main()
