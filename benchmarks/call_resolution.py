"""How right and how complete are calls? Ours against the truth of PyCG's micro-benchmark: programs that others wrote.

    python benchmarks/call_resolution.py [--out results/benchmarks/call_resolution.json] [--differences]

The programs and their call graphs are in PyCG's source distribution, pinned here by digest; it is fetched into
.scratch/downloads and read in memory, nothing of it is executed or kept elsewhere. An edge is a pair of names,
caller and callee; ours are the facts `calls`, `invokes`, and `instantiates` of what is not the program's own. PyCG
writes methods of builtin types as `<**PyStr**>.join`; that is read as our `<builtin>.str.join`.
The resolver was developed on fixtures of its own and then mended where these programs showed it wrong: docs/log.md.
Source: Salis et al., PyCG: Practical Call Graph Generation in Python (ICSE 2021).
"""

import argparse
import json
import re
import sys
from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from graphmer.artifacts import sha256_file, write_json  # noqa: E402
from graphmer.corpus.download import from_index  # noqa: E402
from graphmer.corpus.fetch_config import FetchParams  # noqa: E402
from graphmer.corpus.parse.python.parser import parse_python  # noqa: E402
from graphmer.corpus.parse.records import FileKey  # noqa: E402
from graphmer.corpus.pins import Source  # noqa: E402
from graphmer.corpus.unpack import list_members, read_members  # noqa: E402
from graphmer.kg.config import GraphParams  # noqa: E402
from graphmer.kg.facts import PackageFacts, SourceFile  # noqa: E402
from graphmer.kg.resolve.python.resolver import resolve_python  # noqa: E402
from graphmer.params import load_section, load_tree  # noqa: E402

PINNED = Source(
    where="benchmarks/call_resolution.py", kind="pypi", name="pycg", version="0.0.8", license="Apache-2.0",
    languages=("python",), split="test", sha256="644b4df4346b393ca29450223da12598a6e6ad51fcfb1c218330b774f643a6c1",
    url="", commit="", path="", include=(), exclude=(),
)  # fmt: skip
PROGRAMS = "micro-benchmark/snippets/"
BUILTIN_TYPE = re.compile(r"^<\*\*Py(\w+?)\*\*>")
Edge = tuple[str, str]


def programs(params: FetchParams) -> dict[str, dict[str, bytes]]:
    """Files of each program by its folder, verified against the pinned digest."""
    archive = ROOT / ".scratch" / "downloads" / f"{PINNED.sha256}.tar.gz"
    if not archive.is_file() or sha256_file(archive) != PINNED.sha256:
        archive.parent.mkdir(parents=True, exist_ok=True)
        from_index(PINNED, archive, params)
        if sha256_file(archive) != PINNED.sha256:
            sys.exit(f"call_resolution: {PINNED.name} {PINNED.version} has another digest than {PINNED.sha256}")
    members = [member.path for member in list_members(archive, PINNED.where, params.limits) if PROGRAMS in member.path]
    contents = dict(read_members(archive, PINNED.where, params.limits, members))
    folders = sorted(path.removesuffix("/callgraph.json") for path in members if path.endswith("/callgraph.json"))
    found = {}
    for folder in folders:
        inside = {path: data for path, data in contents.items() if path.startswith(f"{folder}/")}
        name = folder.partition(PROGRAMS)[2]
        found[name] = {PurePosixPath(path).relative_to(folder).as_posix(): data for path, data in inside.items()}
    return found


def truth(files: dict[str, bytes]) -> set[Edge]:
    """Edges of a program's call graph."""
    graph = json.loads(files["callgraph.json"])
    return {(caller, _our_name(callee)) for caller, callees in graph.items() for callee in callees}


def _our_name(name: str) -> str:
    return BUILTIN_TYPE.sub(lambda match: f"<builtin>.{match[1].lower()}", name)


def found_edges(files: dict[str, bytes], params: GraphParams) -> set[Edge]:
    """Edges that the resolver finds."""
    sources = []
    for path, data in sorted(files.items()):
        if path.endswith(".py"):
            parsed = parse_python(data, FileKey("program", "python", path))
            sources.append(SourceFile(path, parsed.module, False, parsed.symbols, parsed.references))
    resolved = resolve_python(PackageFacts("program", "python", sources), params)
    names = {symbol.symbol: symbol.qualified_name for source in sources for symbol in source.symbols}
    names |= {name: entity.qualified_name for name, entity in resolved.externals.items()}
    return {
        (names[fact.head], names[fact.tail])
        for fact in resolved.facts
        if fact.relation in ("calls", "invokes")
        or (fact.relation == "instantiates" and fact.tail in resolved.externals)
    }


def measure(show: bool) -> dict[str, Any]:
    """Precision, recall and exactly right programs, over all and by category."""
    tree = load_tree(ROOT / "params.yaml")
    params = load_section(tree, "kg", GraphParams)
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    for name, files in programs(load_section(tree, "fetch", FetchParams)).items():
        wanted, found = truth(files), found_edges(files, params)
        right = [1, int(wanted == found), len(wanted & found), len(found - wanted), len(wanted - found)]
        for key in ("all", name.partition("/")[0]):
            counts[key] = [before + now for before, now in zip(counts[key], right, strict=True)]
        if show and wanted != found:
            print(f"{name}: too much {sorted(found - wanted)}, missing {sorted(wanted - found)}")
    figures = {name: _figures(*counted) for name, counted in sorted(counts.items())}
    source = {"name": PINNED.name, "version": PINNED.version, "sha256": PINNED.sha256}
    return {"source": source, "all": figures.pop("all"), "categories": figures}


def _figures(programs_seen: int, exact: int, true: int, false: int, missed: int) -> dict[str, float]:
    return {
        "programs": programs_seen,
        "exact": exact,
        "edges": true + missed,
        "precision": round(true / max(true + false, 1), 4),
        "recall": round(true / max(true + missed, 1), 4),
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="benchmarks/call_resolution.py", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/call_resolution.json"), help="file")
    parser.add_argument("--differences", action="store_true", help="name each edge that differs")
    arguments = parser.parse_args()
    figures = measure(arguments.differences)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(arguments.out, figures)
    print(json.dumps(figures["all"]))


if __name__ == "__main__":
    main()
