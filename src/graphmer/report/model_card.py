"""docs/model_card.md, from params.yaml, metrics/, plots/ and results/: every figure in it is read, none is typed."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from graphmer.artifacts import read_json
from graphmer.corpus.pins import Corpus, load_corpus
from graphmer.errors import ArtifactError
from graphmer.ontology.vocabulary import load_ontology
from graphmer.report.markdown import number, table
from graphmer.report.readme import gain_verdicts, shown_setting

PROFILES = ("base", "base_cpu", "gpu_16gb", "scaling", "tpu")
INTENDED = (
    "ranking the likely tails of a relation of a symbol, in a package that it never saw, together with the symbolic "
    "scorer (`graphmer` below)",
    "finding functions by words, filling masked tokens and names: only where the table below says that it is any good",
    "a starting point to train on from, on one's own code (docs/training.md)",
)
OUT_OF_SCOPE = (
    "writing code, and any answer that nobody checks: a ranking is a suggestion, not a fact of the program",
    "finding faults or weaknesses, judging people by their code, licence advice",
    "languages without a parser in src/graphmer/corpus/parse/, and text that is no code",
)


def model_card(root: Path, tree: Mapping[str, Any]) -> str:
    """The page for the model that the pipeline trains with params.yaml as it is; tree: params.yaml."""
    corpus = load_corpus(root / tree["fetch"]["corpus"])
    train = read_json(root / "metrics/train.json")
    lines = ["# Model card", "", "Written by `make docs` from what the pipeline left; do not edit.", ""]
    lines += ["## Model", "", *_architecture(tree, train), ""]
    lines += ["## Training", "", *_training(tree, train, read_json(root / "metrics/pack.json"), corpus), ""]
    lines += [
        "## Use",
        "",
        "Meant for:",
        "",
        *_bullets(INTENDED),
        "",
        "Not meant for:",
        "",
        *_bullets(OUT_OF_SCOPE),
        "",
    ]
    lines += ["## Evaluation", "", *_evaluation(root, corpus), ""]
    lines += ["## Ablation", "", *_ablation(root), ""]
    lines += ["## Limits", "", *_limits(root, tree), ""]
    lines += ["## Other sizes", "", *_other_sizes(root), ""]
    return "\n".join(lines)


def _bullets(items: tuple[str, ...] | list[str]) -> Iterator[str]:
    return (f"- {item}" for item in items)


def _architecture(tree: Mapping[str, Any], train: Mapping[str, Any]) -> list[str]:
    model, weights = tree["model"], train["weights"]
    on = {"use_rel_attention_bias": "relation-aware attention bias", "use_hgat": "H-GAT fusion of leaves and heads",
          "use_lexical_skip": "lexical skip path of the link score"}  # fmt: skip
    parts = [text for name, text in on.items() if model[name]]
    return [
        "A pre-norm transformer encoder over leafy chain graphs (GraphMERT, arXiv 2510.09580): code tokens are roots, "
        "the names of graph neighbours are leaves.",
        "",
        *table(
            ["what", "value"],
            [
                [
                    "layers, width, heads, feed-forward",
                    ", ".join(str(model[k]) for k in ("layers", "width", "heads", "ffn")),
                ],
                ["weights in the blocks' matrices", number(weights["blocks"])],
                ["weights in all", number(weights["total"])],
                ["hop decay", f"{model['hop_decay']}, base {model['decay_base']}"],
                ["parts that are on", "; ".join(parts) or "none"],
                ["format", "safetensors, with config.json, tokenizer.json, training.json"],
                ["ontology", f"version {load_ontology().version}"],
            ],
        ),
    ]


def _training(tree: Mapping[str, Any], train: Mapping[str, Any], pack: Mapping[str, Any], corpus: Corpus) -> list[str]:
    section, names = tree["train"], [source.name for source in corpus.sources if source.split == "train"]
    loss = [f"{name} {weight:g}" for name, weight in section["loss"].items() if weight and name != "temperature"]
    val, split = train["val"], pack["train"]
    return [
        f"Corpus `{corpus.name}`, split train: {', '.join(names)} (see [data_card.md](data_card.md)). "
        f"{split['tokens']:,} tokens, {split['leaves']:,} leaves, {split['samples']:,} windows; a vocabulary of "
        f"{pack['vocabulary']:,}, from the train split alone.",
        "",
        f"{train['steps']:,} steps of {section['rows']} rows of {section['row_length']} positions, "
        f"{section['precision']}, AdamW, highest learning rate {section['learning_rate']:g}, seed {section['seed']}. "
        f"Terms of the loss and their weights: {', '.join(loss)}.",
        "",
        f"On the val split at the end: masked tokens {val['mlm_accuracy']:.3f}, masked names "
        f"{val['mnm_accuracy']:.3f}, link MRR {val['link_mrr']:.3f}.",
    ]


def _evaluation(root: Path, corpus: Corpus) -> list[str]:
    names = [source.name for source in corpus.sources if source.split == "test"]
    tasks = read_json(root / "metrics/eval.json")
    rows = []
    for row in csv_rows(root / "plots/eval_peers.csv"):
        place = [row["task"].replace("_", " "), shown_setting(row["setting"], tasks[row["task"]])]
        rows.append([*place, row["scorer"], row["figure"], _interval(row), f"{int(row['queries']):,}"])
    return [
        f"On packages that it never saw: {', '.join(names)}. Intervals are bootstrap, over files or over 20 and more "
        "packages, of one trained model. `graphmer` is the fitted scorer with the neural score, `symbolic` the same "
        "without it, `neural` the net alone, `untrained` the net with random weights; the others count.",
        "",
        *table(["task", "setting", "scorer", "figure", "value", "queries"], rows),
        "",
        *gain_verdicts(root / "metrics"),
    ]


def _interval(row: Mapping[str, str]) -> str:
    text = f"{float(row['value']):.3f}"
    return f"{text} [{float(row['low']):.3f}, {float(row['high']):.3f}]" if row["low"] else text


def _ablation(root: Path) -> list[str]:
    rows = [
        [row["variant"], row["metric"], f"{float(row['difference']):+.4f}", _signed(row), row["seeds"], row["verdict"]]
        for row in csv_rows(root / "plots/ablation.csv")
    ]
    heads = ["variant", "metric", "difference to full", "interval", "seeds", "verdict"]
    return ["What the pipeline's own short ablation says:", "", *table(heads, rows)]


def _signed(row: Mapping[str, str]) -> str:
    return f"[{float(row['low']):+.4f}, {float(row['high']):+.4f}]" if row["low"] else "none"


def _limits(root: Path, tree: Mapping[str, Any]) -> Iterator[str]:
    rates = read_json(root / "metrics/kg.json")["resolution_rate"]
    unresolved = ", ".join(f"{1 - rate:.1%} in {language.capitalize()}" for language, rate in sorted(rates.items()))
    pack = tree["pack"]
    yield f"- Calls that static analysis does not resolve are in no graph, so nothing is learnt of them: {unresolved}."
    yield f"- A window ends at {pack['max_roots']} tokens, a name at {pack['name_slots']}: longer names count as wrong."
    yield f"- One training seed ({tree['train']['seed']}): what another would change is in no interval above."
    yield "- Names that the training packages' authors like are likelier; nothing was done against that."
    yield "- Weights repeat bit for bit on the same processor model and thread count alone."


def _other_sizes(root: Path) -> list[str]:
    rows = [[f"`{name}`", *_profile(root, name)] for name in PROFILES]
    return table(["profile", "weights", "steps", "link prediction, headline MRR", "made by"], rows)


def _profile(root: Path, name: str) -> list[str]:
    """What results/<profile>/ holds; a run may have ended before its evaluation."""
    folder = root / "results" / name / "metrics"
    command = f"`make repro PROFILE={name}`"
    if not (folder / "train.json").is_file():
        return ["not run", "", "", command]
    train = read_json(folder / "train.json")
    headline = "not evaluated"
    if (folder / "eval.json").is_file():
        headline = f"{read_json(folder / 'eval.json')['link_prediction']['headline']['graphmer']['mrr']:.3f}"
    return [number(train["weights"]["total"]), number(train["steps"]), headline, command]


def csv_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a committed table; raises ArtifactError where it is missing."""
    if not path.is_file():
        raise ArtifactError(f"{path}: not found; run dvc repro")
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
