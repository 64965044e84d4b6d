"""Training: the curve, the schedule, sameness, and the ends it can come to."""

import csv
import dataclasses
import errno
import itertools
import json
from pathlib import Path

import pytest
import torch
from packed import VOCABULARY, make_entities, make_split, write_packed
from test_model import SIZES, make_model, params

from graphmer.errors import ArtifactError, TrainingError
from graphmer.model.checkpoint import load_model, save_model
from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.shards import load_entities, load_split
from graphmer.pack.tokenizer import CodeTokenizer
from graphmer.train.config import LeafParams, LossParams, NegativeParams, TextCodeParams, TrainParams
from graphmer.train.data import TrainStream
from graphmer.train.loop import learning_rate_factor
from graphmer.train.micro_batch import Share
from graphmer.train.objective import Objective
from graphmer.train.run import legible, train_model
from graphmer.train.validate import validate

SMALL = TrainParams(
    seed=1, init_from=None, steps=12, rows=2, link_rows=2, row_length=64, learning_rate=5e-3,
    final_learning_rate=1e-4, warmup_steps=2,
    weight_decay=0.01, beta1=0.9, beta2=0.98, max_gradient_norm=1.0, precision="fp32", bias_gradient="every_layer",
    mask_share=0.15,
    span_end=0.5, max_span=7, document_share=1.0, negatives=NegativeParams(2, 2), report_every=4, curriculum=(),
    text_code=TextCodeParams(pairs=4, max_text=12, max_code=20, hide_share=0.5),
    leaves=LeafParams(max_leaves=3, max_leaves_per_anchor=2, leaf_drop=0.2, masked_leaf_share=0.3, hide_share=0.7),
    loss=LossParams(
        mlm=1.0, sbo=0.0, mnm=1.0, link=0.5, text_code=0.0, antisymmetry=0.0, acyclicity=0.0, temperature=0.07
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_packed(tmp_path_factory.mktemp("data") / "packed")


@pytest.fixture(autouse=True)
def _one_cpu_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHMER_THREADS", "1")
    monkeypatch.setenv("GRAPHMER_DEVICE", "cpu")


def run(packed: Path, out: Path, changes: TrainParams = SMALL) -> dict:  # type: ignore[type-arg]
    train_model(packed, out / "model", out / "train.json", out / "train.csv", params(), changes)
    return json.loads((out / "train.json").read_text())


def test_a_run_leaves_a_model_its_figures_and_a_curve(packed: Path, tmp_path: Path) -> None:
    figures = run(packed, tmp_path)
    assert figures["steps"] == 12
    assert set(figures["loss"]) == {"total", "mlm", "mnm", "link"}
    assert set(figures["val"]) == {"mlm_accuracy", "mnm_accuracy", "link_mrr"}
    rows = list(csv.DictReader((tmp_path / "train.csv").open()))
    assert [int(row["step"]) for row in rows] == [4, 8, 12]
    assert load_model(tmp_path / "model", packed).encoder.vocabulary.tokens == VOCABULARY


def test_a_term_that_is_small_keeps_its_digits_among_the_figures(packed: Path, tmp_path: Path) -> None:
    tiny = dataclasses.replace(SMALL.loss, antisymmetry=1.0, acyclicity=1.0, temperature=1.0)
    figures = run(packed, tmp_path, dataclasses.replace(SMALL, steps=4, loss=tiny))
    (*_, last) = csv.DictReader((tmp_path / "train.csv").open())
    for term in ("antisymmetry", "acyclicity"):
        assert (figures["loss"][term] > 0) == (float(last[f"loss.{term}"]) > 0)
    assert [legible(value) for value in (1.23456789, 0.0123456789, 1.23456789e-7, 0.0)] == [
        1.234568, 0.012346, 1.23457e-7, 0.0
    ]  # fmt: skip


def test_validation_under_bf16_ranks_links_of_float32_vectors(packed: Path, tmp_path: Path) -> None:
    exact = run(packed, tmp_path)["val"]
    model, val, entities = load_model(tmp_path / "model", packed), load_split(packed, "val"), load_entities(packed)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        figures = validate(model, val, entities, load_ontology(), SMALL)
    assert figures["link_mrr"] == pytest.approx(exact["link_mrr"], abs=0.1)


def test_two_runs_on_one_machine_give_the_same_bytes(packed: Path, tmp_path: Path) -> None:
    run(packed, tmp_path / "one")
    run(packed, tmp_path / "two")
    for name in ("model/model.safetensors", "model/config.json", "train.json", "train.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_loss_of_every_term_falls_on_data_that_can_be_learnt(packed: Path, tmp_path: Path) -> None:
    run(packed, tmp_path, dataclasses.replace(SMALL, steps=150, report_every=15))
    rows = list(csv.DictReader((tmp_path / "train.csv").open()))
    for term in ("loss.mlm", "loss.mnm", "loss.link"):
        assert float(rows[-1][term]) < float(rows[0][term])


def test_a_number_that_is_not_finite_ends_the_run_with_its_step_and_term(packed: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"step \d+: \w+( norm)? is (nan|inf)"):
        run(packed, tmp_path, dataclasses.replace(SMALL, learning_rate=1e30, max_gradient_norm=1e30))
    assert not (tmp_path / "model").exists()


def test_a_batch_of_documents_alone_gives_zero_for_names_and_links_and_a_gradient_to_every_weight() -> None:
    split = make_split(0, 30)
    split.samples["kind"] = "document"
    bare = dataclasses.replace(SMALL, leaves=dataclasses.replace(SMALL.leaves, leaf_drop=1.0))
    stream = TrainStream(split, make_entities(), load_ontology(), SIZES, bare)
    (batch,) = stream.micro_batches(0, Share(0, 1, 2))
    assert len(batch.leaf) == 0
    objective = Objective(make_model(), SMALL, load_ontology(), lambda own: own, 1)
    terms = objective(batch)
    assert (terms["mnm"].item(), terms["link"].item()) == (0.0, 0.0)
    assert terms["backward"].item() == pytest.approx(terms["mlm"].item())
    assert terms["mlm"].item() > 0
    terms["backward"].backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in objective.parameters())


def test_a_run_whose_batches_hold_no_masked_leaf_goes_on(packed: Path, tmp_path: Path) -> None:
    figures = run(packed, tmp_path, dataclasses.replace(SMALL, leaves=dataclasses.replace(SMALL.leaves, leaf_drop=1.0)))
    assert figures["loss"]["link"] == 0.0
    assert figures["loss"]["mlm"] > 0


def test_the_learning_rate_warms_up_and_ends_at_its_floor() -> None:
    factors = [learning_rate_factor(step, SMALL) for step in range(13)]
    assert factors[0] == pytest.approx(0.5)
    assert factors[2] == pytest.approx(1.0)
    assert factors[12] == pytest.approx(1e-4 / 5e-3)
    assert all(later <= sooner for sooner, later in itertools.pairwise(factors[2:]))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is played by /dev/full, which Linux has")
def test_a_full_disk_is_told_as_the_system_tells_it_when_weights_are_written(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left") as caught:
        save_model(tmp_path, make_model(), packed)
    assert caught.value.errno == errno.ENOSPC


def test_a_checkpoint_with_a_changed_byte_is_refused(packed: Path, tmp_path: Path) -> None:
    run(packed, tmp_path)
    weights = tmp_path / "model" / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))
    with pytest.raises(ArtifactError, match=r"model\.safetensors: its digest"):
        load_model(tmp_path / "model")


def test_a_model_of_another_tokenizer_is_refused(packed: Path, tmp_path: Path) -> None:
    run(packed, tmp_path)
    other = write_packed(tmp_path / "other")
    text = (other / "tokenizer.json").read_text()
    (other / "tokenizer.json").write_text(text + "\n")
    with pytest.raises(ArtifactError, match="another tokenizer"):
        load_model(tmp_path / "model", other)


def test_a_packed_folder_of_another_layout_is_refused(tmp_path: Path) -> None:
    packed = write_packed(tmp_path / "packed")
    manifest = json.loads((packed / "manifest.json").read_text())
    (packed / "manifest.json").write_text(json.dumps({**manifest, "layout_version": 0}))
    with pytest.raises(ArtifactError, match="layout version 0, expected"):
        run(packed, tmp_path)


@pytest.mark.parametrize("key", ["vocabulary", "name_slots", "relations"])
def test_a_manifest_without_a_size_is_refused_in_one_line(tmp_path: Path, key: str) -> None:
    packed = write_packed(tmp_path / "packed")
    manifest = json.loads((packed / "manifest.json").read_text())
    (packed / "manifest.json").write_text(json.dumps({**manifest, key: "many"}))
    with pytest.raises(ArtifactError, match=f"manifest.json: {key} is 'many', expected (int|list); run dvc repro pack"):
        run(packed, tmp_path)


def test_a_tokenizer_that_is_missing_or_anothers_is_told_before_training(tmp_path: Path) -> None:
    packed = write_packed(tmp_path / "packed")
    other = CodeTokenizer.train(["a b"], 280, 2)
    (packed / "tokenizer.json").write_text(other.dumps())
    with pytest.raises(ArtifactError, match=r"tokenizer\.json: \d+ tokens, packed with 300; run dvc repro pack"):
        run(packed, tmp_path)
    (packed / "tokenizer.json").unlink()
    with pytest.raises(ArtifactError, match=r"tokenizer\.json: not found; run"):
        run(packed, tmp_path)
    assert not (tmp_path / "train.csv").exists()


@pytest.mark.parametrize("config", [[], {}, {"files": {"tokenizer.json": "ab"}}])
def test_a_model_without_digests_is_refused_in_one_line(tmp_path: Path, config: object) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ArtifactError, match=r"config\.json: no digests of model\.safetensors and tokenizer\.json"):
        load_model(tmp_path)


def test_too_few_rows_for_a_batch_is_an_error_with_a_remedy(packed: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"do not fill one batch of 500; lower train.rows"):
        run(packed, tmp_path, dataclasses.replace(SMALL, rows=500))


def test_fp16_on_a_cpu_is_refused(packed: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"train.precision: fp16 needs a GPU"):
        run(packed, tmp_path, dataclasses.replace(SMALL, precision="fp16"))
