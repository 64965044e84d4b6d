"""How long an index takes to make, a cold search to answer, and a warm one among 100,000 functions.

    python benchmarks/search_speed.py data/raw/trio [--model data/model] [--out results/benchmarks/search_speed.json]

`_cpu_s` are the processor's seconds, all threads together: a busy neighbour does not count. `_wall_s` are those that
a user waits, the interpreter's start included: measure on a quiet machine. `warm_ms` asks an opened index the summaries
of its own functions, `warm_100k_ms` an index that holds the same functions again and again until there are 100,000.
Medians; _low and _high the extremes.
"""

import argparse
import dataclasses
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from spread import spread

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from graphmer.artifacts import read_json, write_json, write_table  # noqa: E402
from graphmer.index.functions import functions_schema  # noqa: E402
from graphmer.index.lexicon import Lexicon  # noqa: E402
from graphmer.index.search import Searcher  # noqa: E402
from graphmer.index.store import MANIFEST, Index, file_digests  # noqa: E402
from graphmer.machine import processor_name  # noqa: E402

FUNCTIONS = 100_000
QUERIES = 50
ROUNDS = 3


class Spent(NamedTuple):
    """Seconds of a command: the processor's, and those that passed."""

    cpu: float
    wall: float


def spent(*flags: str) -> Spent:
    """Of one run of the command."""
    start = time.monotonic()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "graphmer.cli", *flags]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(cpu, time.monotonic() - start)


def lines_of(code: Path) -> int:
    """Lines of the code that an index reads."""
    files = [path for path in code.rglob("*") if path.suffix in (".py", ".java", ".js", ".ts", ".tsx")]
    return sum(path.read_bytes().count(b"\n") for path in files)


def widened(index: Path, out: Path, wanted: int) -> Path:
    """A copy of an index that holds its functions again and again."""
    shutil.copytree(index, out)
    opened = Index.open(index)
    count = len(opened.functions)
    times = -(-wanted // count)
    rows = np.tile(np.arange(count), times)[:wanted]
    write_table(opened.functions.iloc[rows], out / "functions.parquet", functions_schema())
    np.save(out / "functions.npy", np.asarray(opened.function_vectors)[rows], allow_pickle=False)
    shutil.rmtree(out / "lexicon")
    tiled(opened.lexicon, times, wanted).save(out / "lexicon")
    manifest = read_json(out / MANIFEST) | {"functions": wanted, "files": file_digests(out)}
    write_json(out / MANIFEST, manifest)
    return out


def tiled(lexicon: Lexicon, times: int, wanted: int) -> Lexicon:
    """The same words over the same documents again and again."""
    word = np.tile(np.repeat(np.arange(len(lexicon.words)), np.diff(lexicon.offset)), times)
    shift = np.repeat(np.arange(times) * lexicon.num_documents, len(lexicon.row))
    row = np.tile(lexicon.row, times) + shift
    kept = row < wanted
    order = np.flatnonzero(kept)[np.lexsort((row[kept], word[kept]))]
    counts = np.bincount(word[order], minlength=len(lexicon.words))
    return dataclasses.replace(
        lexicon,
        offset=np.concatenate([[0], np.cumsum(counts)]),
        row=row[order].astype(np.int32),
        bm25=np.tile(lexicon.bm25, times)[order],
        tfidf=np.tile(lexicon.tfidf, times)[order],
        num_documents=wanted,
    )


def warm(index: Path, model: Path) -> list[float]:
    """Milliseconds of each query of an opened index, after one that is not counted."""
    opened = Index.open(index, model)
    searcher = Searcher(opened)
    summaries = sorted({text for text in opened.functions["summary"] if len(text.split()) > 3})[:QUERIES]
    searcher.search(summaries[0])
    took = []
    for words in summaries:
        start = time.process_time()
        searcher.search(words)
        took.append(1000 * (time.process_time() - start))
    return took


def measured(code: Path, model: Path, at: Path) -> dict[str, object]:
    """Every figure of one code base."""
    index = at / "index"
    flags = ("index", str(code), "--model", str(model), "--out", str(index))
    first, again = spent(*flags), spent(*flags)
    counts = read_json(index / "index.json")
    cold = [spent("search", "open a connection", "--index", str(index)) for _ in range(ROUNDS)]
    figures: dict[str, object] = {"lines": lines_of(code), "functions": counts["functions"], "queries": QUERIES}
    for name, one in (("index", first), ("index_again", again)):
        figures |= {f"{name}_{what}_s": round(value, 2) for what, value in one._asdict().items()}
    for what in Spent._fields:
        figures |= spread(f"cold_{what}_s", [getattr(one, what) for one in cold])
    figures |= spread("warm_ms", warm(index, model))
    return figures | spread("warm_100k_ms", warm(widened(index, at / "wide", FUNCTIONS), model))


def main() -> None:
    """Measure a code base and write the figures."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("code", type=Path)
    parser.add_argument("--model", type=Path, default=Path("data/model"))
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/search_speed.json"))
    chosen = parser.parse_args()
    machine = {"cpu": processor_name(), "cores": os.cpu_count(), "threads": os.environ.get("OMP_NUM_THREADS", "all")}
    with tempfile.TemporaryDirectory() as at:
        figures = measured(chosen.code, chosen.model.resolve(), Path(at))
    write_json(chosen.out, {"machine": machine, chosen.code.name: figures}, decimals=3)


if __name__ == "__main__":
    main()
