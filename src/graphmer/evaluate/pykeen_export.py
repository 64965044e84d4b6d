"""The link-prediction benchmark as the TSV files that PyKEEN and its kin read, split as this project evaluates.

    python -m graphmer.evaluate.pykeen_export --out pykeen

training.tsv                   head, relation, tail: the train split and the support of val and test
validation.tsv, testing.tsv    the queries, in the same columns
{validation,testing}.pools.tsv line i: name of the pool that query i is ranked in
{validation,testing}.known.tsv query (a line number, from 0), entity: other true tails, to be left out of its ranking
pools.tsv                      pool, entity: the candidates

A triple between a held-out triple's head and tail, in either direction, is in no training file, nor is another at the
same mention or the file's import of a name that is hidden: an embedding would remember them. What
`pykeen.triples.TriplesFactory.from_path` reads is the first three files.
"""

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from graphmer.artifacts import atomic_folder, write_json
from graphmer.errors import ArtifactError, GraphmerError
from graphmer.evaluate.config import EvalParams
from graphmer.evaluate.link_config import LinkParams
from graphmer.evaluate.link_prediction import LinkData, LinkTask, load_link_data
from graphmer.evaluate.queries import LinkQueries
from graphmer.evaluate.questions import held_out_packages, visible_triples
from graphmer.params import load_section, load_tree

if TYPE_CHECKING:
    import pandas as pd

FILES = {"val": "validation", "test": "testing"}
Rows = Iterable[tuple[object, ...]]


@dataclass(frozen=True)
class Exported:
    """How many triples went where, and how many were held back."""

    training: int
    validation: int
    testing: int
    ambiguous_left_out: int
    query_pairs_left_out: int
    same_mention_left_out: int
    imports_of_hidden_names_left_out: int


def export_pykeen(data: LinkData, params: LinkParams, out: Path) -> Exported:
    """Write the headline's queries, their candidates and the triples that may be trained on into the new folder `out`.

    Raises ArtifactError where `out` exists and is not empty: nobody's files are replaced.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ArtifactError(f"{out}: is there already; give a new or an empty folder")
    task = LinkTask(data, params)
    queries = {split: task.queries(split, "headline") for split in FILES}
    training, counts = _training(data)
    with atomic_folder(out) as scratch:
        _write(scratch / "training.tsv", training[["head", "relation", "tail"]].itertuples(index=False, name=None))
        pools: dict[str, list[str]] = {}
        for split, asked in queries.items():
            _write_queries(scratch, FILES[split], data, asked)
            for pool, rows in asked.pools.items():
                pools[f"{split}:{pool}"] = [data.entities.symbols[row] for row in rows]
        _write(scratch / "pools.tsv", ((pool, symbol) for pool in sorted(pools) for symbol in pools[pool]))
        exported = Exported(len(training), len(queries["val"]), len(queries["test"]), **counts)
        write_json(scratch / "counts.json", vars(exported))
    return exported


def _training(data: LinkData) -> tuple["pd.DataFrame", dict[str, int]]:
    """The train split's certain triples and those of the held-out packages that no query must not see."""
    import pandas as pd

    visible, left_out = visible_triples(data)
    triples = data.triples
    certain = triples["resolution"] != "ambiguous"
    others = triples[certain & ~triples["package"].isin(held_out_packages(data))]
    left_out["ambiguous"] += left_out.pop("other_packages") - len(others)
    kept = pd.concat([others, visible], ignore_index=True).sort_values(["head", "relation", "tail"], kind="stable")
    return kept, {f"{reason}_left_out": count for reason, count in left_out.items()}


def _write_queries(out: Path, name: str, data: LinkData, queries: LinkQueries) -> None:
    arrays, symbols = data.splits[queries.split], data.entities.symbols
    asked = data.triples.iloc[arrays.leaf_triple[queries.leaf]]
    _write(out / f"{name}.tsv", asked[["head", "relation", "tail"]].itertuples(index=False, name=None))
    _write(out / f"{name}.pools.tsv", ((f"{queries.split}:{pool}",) for pool in queries.pool))
    known = (
        (query, symbols[int(queries.candidates(query)[place])])
        for query in range(len(queries))
        for place in queries.known[query].tolist()
    )
    _write(out / f"{name}.known.tsv", known)


def _write(path: Path, rows: Rows) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for row in rows:
            line = "\t".join(map(str, row))
            # Symbols hold no control characters: fetch leaves out files with such names.
            assert line.count("\t") == len(row) - 1, line
            assert "\n" not in line, line
            stream.write(f"{line}\n")


def main() -> int:
    """Export what data/packed and data/kg hold."""
    parser = argparse.ArgumentParser(prog="graphmer.evaluate.pykeen_export", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--packed", type=Path, default=Path("data/packed"), help="default data/packed")
    parser.add_argument("--kg", type=Path, default=Path("data/kg"), help="default data/kg")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="parameter file")
    parser.add_argument("--out", type=Path, required=True, help="a new or empty folder")
    arguments = parser.parse_args()
    try:
        params = load_section(load_tree(arguments.params), "eval", EvalParams)
        exported = export_pykeen(load_link_data(arguments.packed, arguments.kg), params.link, arguments.out)
    except GraphmerError as error:
        print(f"pykeen_export: {error}", file=sys.stderr)
        return 1
    for name, count in vars(exported).items():
        print(f"{name}\t{count}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
