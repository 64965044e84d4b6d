"""The figures of docs/benchmarks.md, from what `make bench` measured: `make docs`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphmer.artifacts import read_json
from graphmer.errors import ArtifactError
from graphmer.report.markdown import cell, machine_line, number, table

BEGIN = "<!-- figures: written by `make readme` from results/benchmarks/; do not edit -->"
END = "<!-- /figures -->"
ABSENT = "Nothing is measured yet: `make bench` does it."
KINDS = ("cpu", "gpu")
FIGURES = {
    "tokens_per_cpu_s": "our tokens a CPU-s",
    "tokens_per_s": "our tokens a second",
    "hf_bert_tokens_per_cpu_s": "BERT's tokens a CPU-s",
    "hf_bert_tokens_per_s": "BERT's tokens a second",
    "ratio_to_hf_bert": "ours over BERT's",
    "ratio_to_hf_bert_masked": "ours over BERT's with logits at labelled positions alone",
    "relation_bias_cost": "share of our step: relation bias",
    "decay_cost": "share of our step: hop decay",
    "bias_cost": "share of our step: both",
    "hgat_cost": "share of our step: H-GAT",
    "ingredients_cost": "share of our step: all of them",
    "masked_heads_gain": "time with logits at every position, over ours",
    "sbo_extra": "extra time of span boundaries",
    "link_extra": "extra time of the link loss",
    "order_extra": "extra time of the link loss and the ontology terms",
    "text_code_extra": "extra time of the text-code loss",
    "data_extra": "extra time to lay a step's rows out",
    "matrix_share": "share of the measured bf16 matrix limit",
    "mfu": "share of the measured bf16 matrix limit (MFU)",
    "limit_bf16_gflops": "matrix limit, bf16, GFLOP/s",
    "limit_fp32_gflops": "matrix limit, fp32, GFLOP/s",
    "ours_peak_mib": "memory of two steps, ours, MiB",
    "hf_bert_peak_mib": "memory of two steps, BERT, MiB",
}
MODELS = {"ours": "ours", "hf_bert": "BERT"}


def speed_figures(folder: Path) -> str:
    """Markdown of train_speed.json and latency.json, or one line where nothing is measured.

    Raises ArtifactError where a file is damaged or holds figures of no kind of device.
    """
    speed, latency = folder / "train_speed.json", folder / "latency.json"
    if not speed.is_file():
        return ABSENT
    tree = read_json(speed)
    kinds = [kind for kind in KINDS if kind in tree]
    if not kinds:
        raise ArtifactError(f"{speed}: figures of neither 'cpu' nor 'gpu'; run make bench")
    shown = [name for name in FIGURES if any(name in tree[kind] for kind in kinds)]
    lines = []
    for kind in kinds:
        part = tree[kind]
        how = "compiled blocks, " if part["compiled"] else ""
        lines += [
            f"{kind}: {machine_line(part['machine'])} {how}{part['rounds']} steps of {part['rows']} rows of 512.",
            "",
        ]
    lines += ["The median of the steps, the extremes in brackets:", ""]
    lines += table(["figure", *kinds], [[FIGURES[name], *(cell(tree[kind], name) for kind in kinds)] for name in shown])
    packing = [f"{number(tree[kind]['packing_gain'])} ({kind})" for kind in kinds]
    lines += ["", f"Packing: a sample a row would need so many times the rows: {', '.join(packing)}."]
    masking = [
        f"{cell(tree[kind]['masking_mtok_s'], f'rows_of_{size}')} in rows of {size} ({kind})"
        for kind in kinds
        for size in (256, 512)
    ]
    lines += ["", f"Masking, million positions a second of the processor beside it: {', '.join(masking)}."]
    for kind in kinds:
        if "processes" in tree[kind]:
            ratio = cell(tree[kind]["processes"], "ratio_2_to_1")
            lines += ["", f"Two processes over one, tokens a CPU-s: {ratio}."]
    if latency.is_file():
        lines += ["", *_latency(read_json(latency))]
    return "\n".join(lines)


def _latency(tree: Mapping[str, Any]) -> list[str]:
    rows = [
        [kind, MODELS[model], precision, number(part["p50_ms"]), number(part["p95_ms"])]
        for kind in KINDS
        if kind in tree
        for model in MODELS
        for precision, part in tree[kind][model].items()
    ]
    head = "Latency of 512 tokens, one row at a time:"
    return [head, "", *table(["on", "model", "weights", "P50, ms", "P95, ms"], rows)]
