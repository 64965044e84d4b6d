"""Whether the confidences of `graphmer complete` and `resolve` are true, on the held-out test packages.

    python benchmarks/calibration.py [--model data/model] [--data data] [--out results/benchmarks/calibration.json]

`softmax`, `softmax_tempered`: the likeliest candidate of each link query with mentions visible, before and after the
temperature. `settled`: each function of a called name at mentions that static analysis settled, as the calibration was
fitted on val. `open_traced`: the same at calls that it left open, the truth being what ran in the packages' own tests.
accuracy: share that is true; confidence: mean claimed; ece: expected calibration error over ten equal bins.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from graphmer.artifacts import write_json  # noqa: E402
from graphmer.evaluate.config import EvalParams  # noqa: E402
from graphmer.evaluate.link_prediction import LinkData, load_link_data  # noqa: E402
from graphmer.evaluate.neural import ModelScorer, load_scorer  # noqa: E402
from graphmer.evaluate.queries import build_queries  # noqa: E402
from graphmer.evaluate.repeats import find_repeats  # noqa: E402
from graphmer.evaluate.traced_sites import TracedPackage, traced_packages  # noqa: E402
from graphmer.index.fit import settled_shares  # noqa: E402
from graphmer.index.links import LinkRanker  # noqa: E402
from graphmer.index.places import Place  # noqa: E402
from graphmer.index.scoring import Scoring, scoring_beside  # noqa: E402
from graphmer.params import load_section, load_tree  # noqa: E402

BINS = 10
Pair = tuple[float, bool]


def figures(pairs: list[Pair]) -> dict[str, float | int]:
    """Claims beside what is true."""
    claimed = np.asarray([value for value, _ in pairs])
    truth = np.asarray([is_true for _, is_true in pairs], np.float64)
    place = np.minimum((claimed * BINS).astype(np.int64), BINS - 1)
    gaps = [abs(claimed[place == one].sum() - truth[place == one].sum()) for one in range(BINS)]
    return {
        "claims": len(pairs),
        "accuracy": float(truth.mean()),
        "confidence": float(claimed.mean()),
        "ece": float(sum(gaps) / max(len(pairs), 1)),
    }


def link_claims(
    data: LinkData, rankers: dict[str, LinkRanker], params: EvalParams
) -> Iterator[tuple[float, float, bool]]:
    """(share without and with the temperature, whether it is true) of the likeliest candidate of each query."""
    arrays = data.splits["test"]
    queries = build_queries(
        "test", arrays, data.entities, data.triples, params.link, "mentions_visible", repeated=data.repeated
    )
    for package, ranker in rankers.items():
        mine = [number for number, key in enumerate(queries.pool) if key.startswith(f"{package}:")]
        asked = [ranker.question_of(int(arrays.leaf_triple[queries.leaf[number]])) for number in mine]
        rankings = ranker.rank([question for question in asked if question], "mentions_visible")
        for number, ranking in zip(mine, rankings, strict=True):
            best = int(ranking.best(1)[0])
            scores = ranking.scores["graphmer"].astype(np.float64)
            scores[ranking.known] = -np.inf
            raw = np.exp(scores - scores.max())
            is_true = int(ranking.rows[best]) == int(queries.tail[number])
            yield float(raw[best] / raw.sum()), float(ranking.probability[best]), is_true


def traced_claims(traced: TracedPackage, ranker: LinkRanker, scoring: Scoring) -> Iterator[Pair]:
    """(confidence, whether it ran) of each function of the called name at live calls that nothing was proved of."""
    symbols = ranker.data.entities.symbols
    for scored in traced.sites:
        site = scored.site
        if site.proved or not scored.is_live or site.kind != "call" or site.head not in ranker.row_of:
            continue
        start, end, line = site.spans[0]
        place = Place(site.head, site.name, "call", site.file, line, start, end)
        for _, question in ranker.questions_at([place], site.head, "calls"):
            (ranking,) = ranker.rank([question], "mentions_visible")
            for at, row in enumerate(ranking.rows.tolist()):
                if ranker.data.entities.names[row] == site.name:
                    confidence = scoring.calibration(float(ranking.unfiltered[at]))
                    yield confidence, (site.head, symbols[row]) in traced.truth


def measured(model: Path, folder: Path, params: EvalParams) -> dict[str, object]:
    """Every figure."""
    repeats = find_repeats(folder / "parsed", params.audit, params.code_search.max_query_words)
    data = load_link_data(folder / "packed", folder / "kg", repeats.symbols)
    neural: ModelScorer = load_scorer(model, folder / "packed", params.show_graph)
    scoring = Scoring.load(scoring_beside(model))
    packages = sorted(set(data.splits["test"].samples["package"]))
    rankers = {name: LinkRanker(data, "test", name, neural, scoring, params.link) for name in packages}
    links = list(link_claims(data, rankers, params))
    settled = settled_shares(data, "test", neural, scoring, params.link)
    traced = traced_packages(folder / "traces", folder / "parsed", data, neural, params.link)["test"]
    ran = [pair for one in traced for pair in traced_claims(one, rankers[one.package], scoring)]
    return {
        "temperature": scoring.links["mentions_visible"].temperature,
        "softmax": figures([(raw, is_true) for raw, _, is_true in links]),
        "softmax_tempered": figures([(share, is_true) for _, share, is_true in links]),
        "settled": figures([(scoring.calibration(share), is_meant) for share, is_meant in settled]),
        "open_traced": figures(ran),
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--model", type=Path, default=Path("data/model"))
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/calibration.json"))
    chosen = parser.parse_args()
    params = load_section(load_tree(ROOT / "params.yaml"), "eval", EvalParams)
    write_json(chosen.out, measured(chosen.model, chosen.data, params), decimals=4)


if __name__ == "__main__":
    main()
