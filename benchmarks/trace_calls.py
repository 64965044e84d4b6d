"""Who calls whom while a held-out package's own tests run? The truth of call-graph completion and disambiguation.

    python benchmarks/trace_calls.py [--python python3.13] [--packages trio marshmallow] [--out data/traces]

The pinned source distribution (data/corpora/small.yaml), verified by its digest, is unpacked under .scratch: data/raw
keeps source files alone, while tests read templates and settings too. Its tests run there in an environment of its own,
benchmarks/trace_requirements.txt, under sys.monitoring (Python 3.13 or later; benchmarks/tracing/call_tracer.py says
what is a call). The tables are committed, the pipeline only reads them: src/graphmer/evaluate/traces.py.

Each package gets edges.csv (caller, callee, call-site line, count), functions.csv (those that ran), lines.csv (lines
that ran, as ranges), files.csv (digests of the traced source) and provenance.json. Counts, and a few edges, differ from
run to run where a test depends on time or on chance; which edges exist is what is used. A package whose tests cannot
run is named and left out, and the exit code is 1.
"""

import argparse
import csv
import io
import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from graphmer.artifacts import sha256_bytes, write_json, write_text  # noqa: E402
from graphmer.corpus.fetch_config import FetchParams  # noqa: E402
from graphmer.corpus.pins import Source, load_corpus  # noqa: E402
from graphmer.corpus.sources import obtain_archives  # noqa: E402
from graphmer.corpus.unpack import list_members, read_members  # noqa: E402
from graphmer.errors import GraphmerError  # noqa: E402
from graphmer.params import load_section, load_tree  # noqa: E402

REQUIREMENTS = ROOT / "benchmarks" / "trace_requirements.txt"
PLUGIN = ROOT / "benchmarks" / "tracing"
WORK = ROOT / ".scratch" / "traces"
LIMIT_S = 900
FUNCTION = ("file", "line", "name")
EDGE = (*(f"caller_{part}" for part in FUNCTION), *(f"callee_{part}" for part in FUNCTION), "line", "count")


@dataclass(frozen=True)
class Suite:
    """How a package's tests are run: its folder in the source, folders of tests in there, arguments to pytest."""

    folder: str
    arguments: tuple[str, ...]
    exclude: tuple[str, ...] = ()


SUITES = {
    "arrow": Suite("arrow", ("-o", "addopts=", "tests")),  # its own options ask for a report of coverage
    "mako": Suite("mako", ("test",), ("mako/testing/",)),
    "marshmallow": Suite("src/marshmallow", ("tests",)),
    "trio": Suite(
        "src/trio",
        ("-p", "trio._tests.pytest_plugin", "--skip-optional-imports", "src/trio"),
        ("src/trio/_tests/", "src/trio/_core/_tests/"),
    ),
}


def unpack(source: Source, params: FetchParams) -> Path:
    """The whole source distribution under .scratch, without its top folder; what lay there is replaced."""
    (archive,) = obtain_archives([source], ROOT / ".scratch" / "downloads", params)
    members = [member.path for member in list_members(archive, source.where, params.limits) if not member.is_link]
    folder = WORK / source.name
    shutil.rmtree(folder, ignore_errors=True)
    for path, data in read_members(archive, source.where, params.limits, members):
        target = folder / path.partition("/")[2]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return folder


def environment(python: str) -> Path:
    """Python of an environment that holds what the tests need, and none of the packages that are traced."""
    folder = WORK / "venv"
    stamp, wanted = folder / "requirements.sha256", f"{python} {sha256_bytes(REQUIREMENTS.read_bytes())}"
    done = subprocess.run([python, "-c", "import sys; sys.exit(sys.version_info < (3, 13))"], check=False)
    if done.returncode:
        raise GraphmerError(f"{python}: expected a Python of 3.13 or later; name one with --python")
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([python, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--requirement", str(REQUIREMENTS)], check=True)
        stamp.write_text(wanted, encoding="utf-8")
    return folder / "bin" / "python"


def run_tests(python: Path, package: str, folder: Path, suite: Suite) -> dict[str, Any]:
    """The tracer's report. Raises GraphmerError where the tests did not start, ran too long, or ran none."""
    report, log = WORK / f"{package}.json", WORK / f"{package}.log"
    report.unlink(missing_ok=True)
    importable = folder / suite.folder.rpartition("/")[0]
    settings = {
        "PATH": f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "HOME": str(WORK),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join([str(importable), str(PLUGIN)]),
        "GRAPHMER_TRACE_ROOT": str(folder),
        "GRAPHMER_TRACE_FOLDER": suite.folder,
        "GRAPHMER_TRACE_EXCLUDE": ":".join(suite.exclude),
        "GRAPHMER_TRACE_OUT": str(report),
    }
    command = [str(python), "-m", "pytest", "-p", "call_tracer", "-p", "no:cacheprovider", "-q", *suite.arguments]
    try:
        with log.open("w", encoding="utf-8") as out:
            subprocess.run(
                command, cwd=folder, env=settings, stdout=out, stderr=subprocess.STDOUT, check=False, timeout=LIMIT_S
            )
    except subprocess.TimeoutExpired:
        raise GraphmerError(f"{package}: the tests ran longer than {LIMIT_S} s; see {log}") from None
    if not report.is_file():
        raise GraphmerError(f"{package}: pytest ended without a report; see {log}")
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    if not found["tests"]["passed"]:
        raise GraphmerError(f"{package}: no test passed; see {log}")
    return found


def digests(folder: Path, lines: Iterable[tuple[str, int]]) -> list[tuple[str, str]]:
    """(file, sha256) of each file that ran: how the pipeline knows that the graph is of the same source."""
    return [(file, sha256_bytes((folder / file).read_bytes())) for file in sorted({file for file, _ in lines})]


def write_package(out: Path, source: Source, python: Path, suite: Suite, folder: Path, report: dict[str, Any]) -> None:
    """The tables and the provenance of one package."""
    version = subprocess.run([str(python), "-VV"], check=True, capture_output=True, text=True).stdout.split()[1]
    write_text(out / "files.csv", table(("file", "sha256"), digests(folder, report["lines"])))
    write_text(out / "edges.csv", table(EDGE, report["edges"]))
    write_text(out / "functions.csv", table(FUNCTION, report["functions"]))
    write_text(out / "lines.csv", table(("file", "first", "last"), ranges(report["lines"])))
    provenance = {
        "package": source.name,
        "version": source.version,
        "sha256": source.sha256,
        "folder": suite.folder,
        "excluded": list(suite.exclude),
        "python": version,
        "requirements_sha256": sha256_bytes(REQUIREMENTS.read_bytes()),
        "tests": report["tests"],
        "edges": len(report["edges"]),
        "functions": len(report["functions"]),
    }
    write_json(out / "provenance.json", provenance)


def ranges(lines: Iterable[tuple[str, int]]) -> list[tuple[str, int, int]]:
    """(file, first, last) of each run of successive lines."""
    of_file: dict[str, list[int]] = defaultdict(list)
    for file, line in lines:
        of_file[file].append(line)
    found: list[tuple[str, int, int]] = []
    for file in sorted(of_file):
        for line in sorted(of_file[file]):
            if found and found[-1][0] == file and found[-1][2] + 1 == line:
                found[-1] = (file, found[-1][1], line)
            else:
                found.append((file, line, line))
    return found


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def trace(package: str, source: Source, python: Path, out: Path, params: FetchParams) -> str:
    """One line that says what was traced."""
    suite = SUITES[package]
    folder = unpack(source, params)
    report = run_tests(python, package, folder, suite)
    write_package(out / package, source, python, suite, folder, report)
    tests = ", ".join(f"{count} {name}" for name, count in report["tests"].items())
    return f"{package}: tests {tests}; {len(report['functions'])} functions ran, {len(report['edges'])} rows of edges"


def main() -> None:
    """Trace the named packages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default="python3.13", help="an interpreter of 3.13 or later; default python3.13")
    parser.add_argument("--corpus", type=Path, default=ROOT / "data" / "corpora" / "small.yaml")
    parser.add_argument("--packages", nargs="+", choices=sorted(SUITES), default=sorted(SUITES))
    parser.add_argument("--out", type=Path, default=ROOT / "data" / "traces")
    arguments = parser.parse_args()
    sources = {source.name: source for source in load_corpus(arguments.corpus).sources}
    params = load_section(load_tree(ROOT / "params.yaml", []), "fetch", FetchParams)
    try:
        python = environment(arguments.python)
    except (GraphmerError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"trace_calls: {error}")
    left_out = 0
    for package in arguments.packages:
        try:
            print(trace(package, sources[package], python, arguments.out, params), flush=True)
        except GraphmerError as error:
            left_out += 1
            print(f"trace_calls: left out: {error}", file=sys.stderr)
    if left_out:
        sys.exit(f"trace_calls: {left_out} of {len(arguments.packages)} packages left out")


if __name__ == "__main__":
    main()
