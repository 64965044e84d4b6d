"""README's table is what the committed metrics say, and its commands name files that exist."""

import re
from pathlib import Path

import pytest
from imports import ROOT

from graphmer.artifacts import write_json
from graphmer.errors import ArtifactError
from graphmer.report.benchmarks import speed_figures
from graphmer.report.readme import MEASURED, SPEED, results_table, with_figures, with_results, with_speed
from graphmer.report.scale import scale_figures

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_results_table_is_what_the_metrics_say() -> None:
    assert with_results(README, results_table(ROOT / "metrics")) == README


def test_every_file_that_readme_links_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_every_tree_entry_of_the_library_is_a_package() -> None:
    for name in re.findall(r"^  (\w+)/ ", README, flags=re.MULTILINE):
        assert (ROOT / "src" / "graphmer" / name).is_dir(), name


def test_the_figures_of_the_page_on_scale_are_what_was_measured() -> None:
    page = (ROOT / "docs/scale.md").read_text(encoding="utf-8")
    assert with_figures(page, scale_figures(ROOT / SPEED)) == page


def test_every_corpus_that_was_measured_is_a_row_with_its_machine(tmp_path: Path) -> None:
    ratio = {"ratio_to_parse": 2.5, "ratio_to_parse_low": 2.25, "ratio_to_parse_high": 1234.5}
    growth = [{"files": 1000, "cpu_s_per_mib": 1.5, "peak_mib": 300.2}]
    small = {"rounds": 5, "files": 1059, "triples": 222090, **ratio, "peak_mib": 640.4, "growth": growth}
    write_json(tmp_path / "speed.json", {"machine": {"cores": 2, "cpu": "some"}, "small": small})
    lines = scale_figures(tmp_path / "speed.json").splitlines()
    assert lines[0] == "Machine: cores 2, cpu some."
    assert "| small | 5 | 1,059 | 222,090 | 2.50 (2.25 to 1,234) |  |  |  | 640 |  |" in lines
    assert lines[-1] == "| 1,000 | 1.50 | 300 |"


def test_a_measurement_without_a_corpus_is_one_line(tmp_path: Path) -> None:
    write_json(tmp_path / "speed.json", {"machine": {}})
    with pytest.raises(ArtifactError, match=r"speed.json: no corpus with 'ratio_to_parse'; run python benchmarks/"):
        scale_figures(tmp_path / "speed.json")


def evaluated(**tasks: object) -> dict[str, object]:
    scorers = {"graphmer": {"mrr": 0.5}, "bm25": {"mrr": 0.4}, "gain": {"mrr": 0.1}}
    return {"code_search": {"functions": 471, "queries": 9, "pool1000": scorers, "pool1000_masked": scorers}, **tasks}


def table(tmp_path: Path, figures: dict[str, object]) -> str:
    """The table over the committed graph's and training's figures and some planted ones of eval."""
    for name in ("kg", "train"):
        (tmp_path / f"{name}.json").write_bytes((ROOT / "metrics" / f"{name}.json").read_bytes())
    write_json(tmp_path / "eval.json", figures)
    return results_table(tmp_path)


def test_a_pool_is_told_by_how_many_functions_it_holds(tmp_path: Path) -> None:
    few = table(tmp_path, evaluated())
    assert "| code search | pool of 471 | mrr |" in few
    assert "| code search | pool of 471, names hidden | mrr |" in few
    many = evaluated()
    many["code_search"]["functions"] = 5000  # type: ignore[index]
    assert "| code search | pool of 1,000 | mrr |" in table(tmp_path, many)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.0004, 0.02, "above 0 for this one training seed: code search (pool of 471, +0.0100 [+0.0004, +0.0200])."),
        (-0.001, 0.02, "The interval holds 0, so no gain is shown: code search (pool of 471)."),
        (-0.5, -0.2, "The interval lies below 0, so the best peer does better: code search (pool of 471)."),
        (None, None, "There is no interval, so no gain is shown: code search (pool of 471)."),
    ],
)
def test_what_a_gain_says_is_read_off_its_interval(tmp_path: Path, low: float, high: float, said: str) -> None:
    gain = {"mrr": 0.01, "mrr_low": low, "mrr_high": high} if low is not None else {"mrr": 0.01}
    scorers = {"graphmer": {"mrr": 0.5}, "bm25": {"mrr": 0.4}, "gain": gain}
    (line,) = [
        line
        for line in table(tmp_path, {"code_search": {"functions": 471, "pool1000": scorers}}).splitlines()
        if line.startswith("- ")
    ]
    assert line.endswith(said)


def test_gains_over_what_people_use_are_told_beside_those_over_the_best_peer(tmp_path: Path) -> None:
    ours = {"f1": 0.8, "gain_over_static": 0.1, "gain_over_static_low": 0.05, "gain_over_static_high": 0.15}
    ours |= {"gain_over_listed": -0.02}
    counts = {"missed": 1693, "missed_found": 12, "missed_listed": 31}
    calls = {"graphmer": ours, "static": {"f1": 0.7}, "static_listed": {"f1": 0.82}, **counts}
    names = {"graphmer": {"f1": 0.6}, "plain_names": {"f1": 0.4}, "gain_over_names": {"f1": 0.2}}
    shown = table(
        tmp_path,
        evaluated(
            call_graph={"dynamic": calls, "packages": 2},
            dependency_inference={"all": names, "packages": 55, "declared": 132},
        ),
    )
    assert "Over static analysis alone (F1 0.700) call-graph completion gains +0.1000 [+0.0500, +0.1500]; of" in shown
    assert "of the 1,693 traced edges that static analysis misses it finds 12. Adding every target" in shown
    assert "without a score, gives 0.820 and finds 31; ours over that: -0.0200." in shown
    assert "(`plain_names`, F1 0.400), dependency inference gains +0.2000, on 55 further packages with 132" in shown
    assert "Over " not in table(tmp_path, evaluated(call_graph={"packages": 0}))


def test_the_figures_of_the_page_on_benchmarks_are_what_was_measured() -> None:
    page = (ROOT / "docs/benchmarks.md").read_text(encoding="utf-8")
    assert with_speed(page, speed_figures(ROOT / MEASURED)) == page


def test_what_was_measured_on_a_cpu_and_a_gpu_stands_side_by_side(tmp_path: Path) -> None:
    assert speed_figures(tmp_path) == "Nothing is measured yet: `make bench` does it."
    masking = {"rows_of_256": 30.0, "rows_of_512": 32.5}
    how = {"rows": 4, "rounds": 5, "masking_mtok_s": masking, "packing_gain": 4.5}
    cpu = {"ratio_to_hf_bert": 1.25, "ratio_to_hf_bert_low": 1.2, "ratio_to_hf_bert_high": 1.5}
    cpu |= {**how, "machine": {"cores": 2}, "compiled": False}
    gpu = {"ratio_to_hf_bert": 2.0, "mfu": 0.5, **how, "machine": {"cores": 16}, "compiled": True}
    write_json(tmp_path / "train_speed.json", {"cpu": cpu, "gpu": gpu})
    times = {"float32": {"p50_ms": 700.4, "p95_ms": 812.0}}
    write_json(tmp_path / "latency.json", {"cpu": {"hf_bert": times, "ours": times}})
    lines = speed_figures(tmp_path).splitlines()
    assert "| ours over BERT's | 1.25 (1.20 to 1.50) | 2.00 |" in lines
    assert "| share of the measured bf16 matrix limit (MFU) |  | 0.50 |" in lines
    assert "cpu: Machine: cores 2. 5 steps of 4 rows of 512." in lines
    assert "gpu: Machine: cores 16. compiled blocks, 5 steps of 4 rows of 512." in lines
    assert "Packing: a sample a row would need so many times the rows: 4.50 (cpu), 4.50 (gpu)." in lines
    assert lines[-2:] == ["| cpu | ours | float32 | 700 | 812 |", "| cpu | BERT | float32 | 700 | 812 |"]


def test_a_measurement_of_no_device_is_one_line(tmp_path: Path) -> None:
    write_json(tmp_path / "train_speed.json", {"machine": {}})
    with pytest.raises(ArtifactError, match=r"train_speed.json: figures of neither 'cpu' nor 'gpu'; run make bench"):
        speed_figures(tmp_path)
