"""How fast the graph is built: CPU time after imports over a raw tree-sitter parse of the same files, and its growth.

    python benchmarks/kg_speed.py data/raw [.scratch/large ...] [--rounds 5] [--out results/benchmarks/kg_speed.json]

Each folder is one that stages/fetch.py wrote; its figures stand under its corpus' name in --out. A measurement is a
process of its own, with the same imports and one thread; the rounds of one folder are interleaved (raw, graph, raw,
graph, ...), so that a busy neighbour meets both. Figures are medians, <figure>_low and _high the extreme rounds.
Raw: bytes in memory, parsed, no tree kept. Graph: parse_corpus and build_graph, from files to Parquet; what validation
adds, which `graphmer kg` does too, is a figure of its own.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from spread import spread

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from graphmer.artifacts import read_json, read_table, write_json  # noqa: E402
from graphmer.corpus.fetch_config import FetchParams  # noqa: E402
from graphmer.corpus.parse.config import ParseParams  # noqa: E402
from graphmer.corpus.parse.corpus import parse_corpus  # noqa: E402
from graphmer.corpus.parse.schema import files_schema  # noqa: E402
from graphmer.corpus.parse.treesitter import parse  # noqa: E402
from graphmer.kg.build import build_graph  # noqa: E402
from graphmer.kg.config import GraphParams  # noqa: E402
from graphmer.kg.schema import triples_schema  # noqa: E402
from graphmer.kg.validate import RESOLVED, read_tables  # noqa: E402
from graphmer.kg.validate import measure_graph as check_graph  # noqa: E402
from graphmer.kg.validate_config import ValidateParams  # noqa: E402
from graphmer.machine import processor_name  # noqa: E402
from graphmer.params import load_section, load_tree  # noqa: E402


def cpu_seconds() -> float:
    """CPU time of this process and of those that it has waited for."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def peak_mib() -> float:
    """Largest resident size of this process or of any one of its children, in MiB."""
    peaks = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return max(peaks) / 1024


def import_late_libraries() -> None:
    """What the stages import when they need it, or pyarrow when it converts: none of it is the graph's time."""
    import jsonschema  # noqa: F401
    import pandas  # noqa: F401
    import pyarrow.parquet  # noqa: F401


def measure_raw(parsed: Path) -> dict[str, Any]:
    """Parse the code files that the graph was built of, and nothing else."""
    import_late_libraries()
    files = read_table(parsed / "files.parquet", files_schema())
    code = files[(files["kind"] == "code") & (files["status"] != "skipped")]
    sources = [(language, text.encode()) for language, text in zip(code["language"], code["text"])]
    start = cpu_seconds()
    for language, source in sources:
        parse(language, source)
    return {"cpu_s": cpu_seconds() - start, "files": len(sources), "bytes": sum(len(source) for _, source in sources)}


def measure_graph(raw: Path, out: Path, checked: bool) -> dict[str, Any]:
    """Both stages, as `dvc repro` runs them, on GRAPHMER_WORKERS processes; then, if asked, what checking takes."""
    import_late_libraries()
    tree = load_tree(ROOT / "params.yaml")
    start, clock = cpu_seconds(), time.perf_counter()
    parse_corpus(raw, out / "parsed", load_section(tree, "parse", ParseParams))
    parsed = cpu_seconds()
    build_graph(out / "parsed", out / "kg", load_section(tree, "kg", GraphParams))
    built, wall, peak = cpu_seconds(), time.perf_counter() - clock, peak_mib()
    if checked:
        licences = load_section(tree, "fetch", FetchParams).licences
        manifest = read_json(out / "kg" / "manifest.json")
        check_graph(
            read_tables(out / "kg", out / "parsed"), manifest, load_section(tree, "validate", ValidateParams), licences
        )
    return {
        "cpu_s": built - start,
        "parse_cpu_s": parsed - start,
        "build_cpu_s": built - parsed,
        "validate_cpu_s": cpu_seconds() - built,
        "wall_s": wall,
        "peak_mib": peak,
    }


def child(kind: str, source: Path, out: Path, workers: int) -> dict[str, Any]:
    """One measurement in a process of its own."""
    command = [sys.executable, __file__, "--child", kind, str(source), "--out", str(out)]
    environment = {**os.environ, "GRAPHMER_WORKERS": str(workers), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"kg_speed: {kind} of {source} failed: {done.stderr.strip().splitlines()[-1]}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def measure_folder(raw: Path, rounds: int, scratch: Path) -> dict[str, Any]:
    """All figures of one fetched corpus."""
    out = scratch / "whole"
    child("graph", raw, out, 1)  # the tables that the raw parse reads; also fills the disk's cache
    graph = graph_figures(out / "kg")
    measured: dict[str, list[dict[str, Any]]] = {"raw": [], "one": [], "two": []}
    for _ in range(rounds):
        measured["raw"].append(child("raw", out / "parsed", out, 1))
        measured["one"].append(child("checked", raw, out, 1))
        measured["two"].append(child("graph", raw, out, 2))
    pairs = list(zip(measured["raw"], measured["one"], measured["two"], strict=True))
    files, mib = measured["raw"][0]["files"], measured["raw"][0]["bytes"] / 2**20
    return {
        "rounds": rounds,
        "files": files,
        "mib": round(mib, 1),
        "triples": graph["triples"],
        **spread("ratio_to_parse", [one["cpu_s"] / base["cpu_s"] for base, one, _ in pairs]),
        **spread("ratio_to_parse_of_parse", [one["parse_cpu_s"] / base["cpu_s"] for base, one, _ in pairs]),
        **spread("ratio_to_parse_of_build", [one["build_cpu_s"] / base["cpu_s"] for base, one, _ in pairs]),
        **spread("validation_to_parse", [one["validate_cpu_s"] / base["cpu_s"] for base, one, _ in pairs]),
        **spread("cpu_s_per_mib", [one["cpu_s"] / mib for _, one, _ in pairs]),
        **spread("files_per_cpu_s", [files / one["cpu_s"] for _, one, _ in pairs]),
        **spread("triples_per_cpu_s", [graph["triples"] / one["cpu_s"] for _, one, _ in pairs]),
        **spread("peak_mib", [one["peak_mib"] for _, one, _ in pairs]),
        **spread("speedup_2", [one["wall_s"] / two["wall_s"] for _, one, two in pairs]),
        "resolution_rate": graph["resolution_rate"],
        "resolution_by_relation": graph["resolution_by_relation"],
        "growth": growth(raw, scratch),
    }


def graph_figures(kg: Path) -> dict[str, Any]:
    """Size of the graph, and the share of triples by how their tail was found."""
    triples = read_table(kg / "triples.parquet", triples_schema())
    calls: dict[str, dict[str, int]] = {}
    for language, packages in read_json(kg / "manifest.json")["calls"].items():
        for outcomes in packages.values():
            for outcome, count in outcomes.items():
                total = calls.setdefault(language, {})
                total[outcome] = total.get(outcome, 0) + count
    by_relation: dict[str, dict[str, float]] = {}
    for relation, part in triples.groupby("relation")["resolution"]:
        shares = part.value_counts(normalize=True).sort_index().round(4)
        by_relation[str(relation)] = dict(zip(shares.index, shares.tolist(), strict=True))
    rates = {
        language: round(sum(counts.get(outcome, 0) for outcome in RESOLVED) / counts["seen"], 4)
        for language, counts in calls.items()
    }
    return {"triples": len(triples), "resolution_rate": rates, "resolution_by_relation": by_relation}


def growth(raw: Path, scratch: Path) -> list[dict[str, Any]]:
    """CPU time per file as packages are added, smallest first."""
    manifest = read_json(raw / "manifest.json")
    sizes = {source["name"]: sum(1 for _ in (raw / source["name"]).rglob("*.*")) for source in manifest["sources"]}
    order = sorted(manifest["sources"], key=lambda source: (sizes[source["name"]], source["name"]))
    rows = []
    for count in sorted({max(1, round(len(order) * share)) for share in (0.25, 0.5, 0.75, 1.0)}):
        part = scratch / f"first-{count}"
        part.mkdir()
        for source in order[:count]:
            (part / source["name"]).symlink_to((raw / source["name"]).resolve())
        write_json(part / "manifest.json", {**manifest, "sources": order[:count]})
        out = part / "out"
        graph = child("graph", part, out, 1)
        base = child("raw", out / "parsed", out, 1)
        rows.append(
            {
                "packages": count,
                "files": base["files"],
                "mib": round(base["bytes"] / 2**20, 1),
                "ratio_to_parse": round(graph["cpu_s"] / base["cpu_s"], 3),
                "cpu_s_per_mib": round(graph["cpu_s"] / (base["bytes"] / 2**20), 3),
                "peak_mib": round(graph["peak_mib"], 1),
            }
        )
    return rows


def kept(path: Path, machine: dict[str, Any]) -> dict[str, Any]:
    """What an earlier run on the same machine found, of corpora that this one may not measure."""
    earlier = read_json(path) if path.is_file() else {}
    return earlier if earlier.get("machine") == machine else {}


def main() -> None:
    """Measure every folder and write one file for all."""
    parser = argparse.ArgumentParser(prog="benchmarks/kg_speed.py", description=__doc__.splitlines()[0])
    parser.add_argument("raw", type=Path, nargs="+", help="folders that stages/fetch.py wrote")
    parser.add_argument("--rounds", type=int, default=5, help="default 5")
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/kg_speed.json"))
    parser.add_argument("--child", choices=("raw", "graph", "checked"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        measured = (
            measure_raw(arguments.raw[0])
            if arguments.child == "raw"
            else measure_graph(arguments.raw[0], arguments.out, arguments.child == "checked")
        )
        print(json.dumps(measured))
        return
    figures: dict[str, Any] = {}
    for raw in arguments.raw:
        if not (raw / "manifest.json").is_file():
            sys.exit(f"kg_speed: {raw}: no fetched corpus; run stages/fetch.py --out {raw}")
        with tempfile.TemporaryDirectory(prefix="graphmer-") as scratch:
            corpus = read_json(raw / "manifest.json")["corpus"]
            figures[corpus] = measure_folder(raw, arguments.rounds, Path(scratch))
    machine = {"cpu": processor_name(), "cores": os.cpu_count(), "python": platform.python_version()}
    write_json(arguments.out, {**kept(arguments.out, machine), "machine": machine, **figures})


if __name__ == "__main__":
    main()
