"""Drawings: the same bytes for the same table, nothing of the day or the machine, small enough for git."""

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from graphmer.errors import ArtifactError
from graphmer.report.plots import DRAWINGS, draw_all, draw_table

TABLES = {
    "kg_relations": "relation,language,triples,exact,inferred,ambiguous,external\n"
    "calls,python,90,40,20,10,20\ncalls,java,10,10,0,0,0\nimports,python,30,30,0,0,0\n",
    "train": "step,learning_rate,loss,loss.mlm,loss.mnm,loss.link\n"
    "20,0.001,9.1,5.2,3.1,2.2\n40,0.0009,7.4,4.1,2.2,2.0\n60,0.0005,6.2,3.6,1.9,1.8\n",
    "eval_peers": "task,setting,scorer,figure,value,low,high,queries\n"
    "link_prediction,headline,graphmer,mrr,0.7,0.68,0.72,900\n"
    "link_prediction,headline,sibling,mrr,0.5,0.47,0.53,900\n"
    "masked_tokens,all,ngram_cache,accuracy,0.6,,,2000\n",
    "ablation": "variant,metric,mean,difference,low,high,seeds,verdict\n"
    "no_rel_bias,link_prediction.headline.neural.mrr,0.3,-0.02,-0.03,-0.01,2,none (2 seeds)\n"
    "no_rel_bias,masked_nodes.masked_mentions.neural.accuracy,0.3,0.01,,,2,none (2 seeds)\n",
}


def write_tables(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in TABLES.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def drawings(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.svg"))}


def test_every_table_has_a_drawing_that_is_small_and_dateless(tmp_path: Path):
    draw_all(write_tables(tmp_path))
    found = drawings(tmp_path)
    assert set(found) == {f"{name}.svg" for name in DRAWINGS} == {f"{name}.svg" for name in TABLES}
    for name, data in found.items():
        ElementTree.fromstring(data)
        assert len(data) < 200_000, name
        assert not re.search(rb"20\d\d-\d\d-\d\d", data), name


def test_another_process_draws_the_same_bytes(tmp_path: Path):
    draw_all(write_tables(tmp_path / "here"))
    there = write_tables(tmp_path / "there")
    code = f"from pathlib import Path; from graphmer.report.plots import draw_all; draw_all(Path({str(there)!r}))"
    environment = {"PYTHONHASHSEED": "7", "PATH": "", "PYTHONPATH": os.environ["PYTHONPATH"]}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=tmp_path)
    assert drawings(tmp_path / "here") == drawings(there)


def test_what_a_reader_looks_for_stands_in_the_drawing_as_text(tmp_path: Path):
    draw_all(write_tables(tmp_path))
    found = {name: data.decode("utf-8") for name, data in drawings(tmp_path).items()}
    assert all(word in found["eval_peers.svg"] for word in ("graphmer", "sibling", "link prediction: headline (mrr)"))
    assert all(word in found["kg_relations.svg"] for word in ("calls", "imports", "triples"))
    assert all(word in found["train.svg"] for word in ("loss.mnm", "step"))
    assert "none (2 seeds)" in found["ablation.svg"]


def test_another_number_is_another_drawing(tmp_path: Path):
    draw_all(write_tables(tmp_path))
    before = drawings(tmp_path)
    table = tmp_path / "eval_peers.csv"
    table.write_text(TABLES["eval_peers"].replace("0.7,", "0.6,"), encoding="utf-8")
    draw_all(tmp_path)
    changed = {name for name, data in drawings(tmp_path).items() if data != before[name]}
    assert changed == {"eval_peers.svg"}


def test_a_missing_or_empty_table_is_named(tmp_path: Path):
    with pytest.raises(ArtifactError, match=r"none\.csv: not found"):
        draw_table(tmp_path / "none.csv", DRAWINGS["train"])
    (tmp_path / "empty.csv").write_text(TABLES["train"].splitlines()[0] + "\n", encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"empty\.csv: no rows"):
        draw_table(tmp_path / "empty.csv", DRAWINGS["train"])
    assert not list(tmp_path.glob("*.svg"))
