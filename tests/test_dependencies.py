"""Dependency inference: what fit packages teach, who predicts what, and that F1 is what its counts say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from graphmer.errors import ArtifactError, EvaluationError
from graphmer.evaluate.config import BootstrapParams, DependencyParams
from graphmer.evaluate.dependencies import predict_dependencies
from graphmer.evaluate.dependency_aliases import Aliases, distribution_name
from graphmer.evaluate.dependency_candidates import FEATURES, candidates, feature_matrix, likeness
from graphmer.evaluate.dependency_facts import PackageFacts, load_dependency_facts
from graphmer.evaluate.dependency_figures import dependency_figures, dependency_headline
from graphmer.evaluate.f1 import best_threshold, f1_interval, outcome_counts, ratios

PARAMS = DependencyParams(
    prior=1.0, min_rate=0.5, neighbours=2, rounds=30, depth=2, learning_rate=0.3, min_leaf=1, folds=3, seed=1
)
BOOTSTRAP = BootstrapParams(resamples=200, confidence=0.95, packages_from=3, seed=1)
PLAIN, GUARDED, TESTED = ("core", "plain"), ("core", "guarded"), ("tests", "plain")


def package(name: str, split: str, uses: dict, declared: dict, modules: tuple = ()) -> PackageFacts:  # type: ignore[type-arg]
    return PackageFacts(name, split, modules, declared, {module: {use: 1} for module, use in uses.items()})


FIT = [
    package("one", "train", {"yaml": PLAIN, "six": PLAIN, "rich": GUARDED}, {"pyyaml": "", "six": ""}),
    package("two", "train", {"yaml": PLAIN, "attr": PLAIN}, {"pyyaml": "", "attrs": ""}),
    package("three", "val", {"yaml": GUARDED, "six": PLAIN, "pytest": TESTED}, {"six": ""}),
    package("python-slugs", "val", {"six": PLAIN, "rich": GUARDED}, {"six": ""}, ("slugs",)),
    package("four", "train", {"click": PLAIN, "mock": TESTED, "rich": GUARDED}, {"click": ""}),
    package("five", "val", {"click": PLAIN, "yaml": PLAIN}, {"click": "", "pyyaml": ""}),
]
TEST = [
    package("six-users", "test", {"six": PLAIN, "rich": GUARDED, "pytest": TESTED}, {"six": ""}),
    package("reader", "test", {"yaml": PLAIN, "click": PLAIN}, {"pyyaml": "", "click": 'sys_platform == "win32"'}),
    package("slugger", "test", {"slugs": PLAIN, "slugger": PLAIN}, {"python-slugs": ""}),
    package("quiet", "test", {}, {"tzdata": ""}),
]


def write(folder: Path, packages: list[PackageFacts]) -> Path:
    folder.mkdir(exist_ok=True)
    rows = [(one.package, one.split, " ".join(one.modules)) for one in packages]
    pd.DataFrame(rows, columns=["package", "split", "modules"]).to_csv(folder / "packages.csv", index=False)
    declared = [(one.package, *item) for one in packages for item in one.declared.items()]
    pd.DataFrame(declared, columns=["package", "distribution", "marker"]).to_csv(folder / "declared.csv", index=False)
    uses = [(one.package, module, *use, files) for one in packages
            for module, counts in one.uses.items() for use, files in counts.items()]  # fmt: skip
    columns = ["package", "module", "place", "circumstance", "files"]
    pd.DataFrame(uses, columns=columns).to_csv(folder / "imports.csv", index=False)
    return folder


def sets(table: pd.DataFrame, scorer: str, setting: str = "all") -> dict[str, set[str]]:
    """What a scorer predicts, from rows that say what is true and whether it was right."""
    part = table[(table["scorer"] == scorer) & (table["setting"] == setting)]
    taken = part[(part["stratum"] == "declared") == part["correct"]]
    return {name: {query.partition(":")[2] for query in group["query"]} for name, group in taken.groupby("package")}


class Encoder:
    """Vectors by a text's letters, and a fault on demand."""

    def __init__(self, fault: float = 0.0) -> None:
        self.fault = fault

    def embed(self, texts: list[str]) -> np.ndarray:  # type: ignore[type-arg]
        counts = np.asarray([[text.count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts], float)
        return counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1) + self.fault


def test_tables_come_back_as_they_were_written(tmp_path: Path) -> None:
    everything = sorted(FIT + TEST, key=lambda one: one.package)
    assert load_dependency_facts(write(tmp_path, everything)) == everything


@pytest.mark.parametrize(
    ("table", "text", "message"),
    [
        ("imports", None, r"imports\.csv: not found; write the tables anew"),
        ("imports", "package,module\n", r"imports\.csv: no column 'place'"),
        ("declared", "package,distribution,marker\nnobody,six,\n", r"declared\.csv: package 'nobody' is not in"),
        ("packages", "package,split,modules\none,train,\ntwo,test,\n", r"split 'val' has no package"),
    ],
)
def test_a_table_that_cannot_be_used_is_named(tmp_path: Path, table: str, text: str | None, message: str) -> None:
    path = write(tmp_path, [] if table == "packages" else FIT + TEST) / f"{table}.csv"
    path.unlink() if text is None else path.write_text(text, encoding="utf-8")
    with pytest.raises(ArtifactError, match=message):
        load_dependency_facts(tmp_path)


def test_an_alias_is_taught_by_who_declares_it_for_the_module_and_by_who_installs_it() -> None:
    aliases = Aliases(FIT, prior=1.0)
    assert "pyyaml" in aliases.taught("yaml", "reader")
    assert "six" not in aliases.taught("yaml", "reader")  # each declares six for six's sake
    assert aliases.taught("slugs", "slugger") == {"python-slugs"}
    assert aliases.provides("python-slugs", "slugs.deep", "slugger")
    # Three import yaml plainly and all declare pyyaml; one pseudo-importer knows no alias.
    assert aliases.rate("yaml", "pyyaml", "reader") == pytest.approx(3 / 4)
    # Names alone: of nine names of plain modules five are declared.
    assert aliases.rate("yaml", "yaml", "reader") == pytest.approx((5 / 9) / 4)


def test_a_package_teaches_nothing_about_itself() -> None:
    aliases = Aliases(FIT, prior=1.0)
    assert "attrs" in aliases.taught("attr", "reader")
    assert "attrs" not in aliases.taught("attr", "two")
    assert not aliases.provides("python-slugs", "slugs", "python-slugs")
    changed = [replace(one, declared={"other": ""}) if one.package == "two" else one for one in FIT]
    (two,) = [one for one in FIT if one.package == "two"]
    (without,) = [one for one in changed if one.package == "two"]
    for one, other in ((two, Aliases(changed, 1.0)), (without, aliases)):
        assert {c.distribution for c in candidates(one, other)} == {c.distribution for c in candidates(two, aliases)}


def test_columns_of_a_candidate_say_how_it_is_imported_and_what_is_taught() -> None:
    aliases = Aliases(FIT, prior=1.0)
    asked = candidates(TEST[1], aliases)
    matrix = dict(zip([one.distribution for one in asked], feature_matrix(TEST[1], asked, aliases)))
    named = {name: dict(zip(FEATURES, row)) for name, row in matrix.items()}
    assert named["pyyaml"]["core_plain"] == 1
    assert named["pyyaml"]["same_name"] == 0
    assert named["pyyaml"]["rival"] == pytest.approx(max(named["yaml"]["rate"], named["attrs"]["rate"]))
    assert named["click"]["declared_by"] == pytest.approx(np.log(3))
    assert named["yaml"]["lead"] < 0 < named["pyyaml"]["lead"]


def test_names_are_compared_as_the_index_compares_them() -> None:
    assert distribution_name("Zope_Interface") == "zope-interface"
    assert distribution_name("_typeshed") == "typeshed"
    assert likeness("dateutil", "python-dateutil") == pytest.approx(8 / 15)
    assert likeness("six", "six") == 1


def test_each_scorer_predicts_what_its_rule_says(tmp_path: Path) -> None:
    table = predict_dependencies(write(tmp_path, FIT + TEST), Encoder(), PARAMS)  # type: ignore[arg-type]
    assert set(table["scorer"]) == {"import_names", "plain_names", "import_aliases", "symbolic", "graphmer", "neural"}
    assert sets(table, "import_names") == {
        "six-users": {"six", "rich"}, "reader": {"yaml", "click"}, "slugger": {"slugs"}
    }  # fmt: skip
    assert sets(table, "plain_names")["six-users"] == {"six"}
    assert sets(table, "import_aliases") == {
        "six-users": {"six"}, "reader": {"pyyaml", "click"}, "slugger": {"python-slugs"}
    }  # fmt: skip
    assert sets(table, "symbolic")["six-users"] == {"six"}
    assert sets(table, "symbolic")["reader"] == {"pyyaml", "click"}


def test_what_is_conditional_on_the_environment_is_not_asked_in_the_setting_unmarked(tmp_path: Path) -> None:
    table = predict_dependencies(write(tmp_path, FIT + TEST), None, PARAMS)
    asked = {setting: set(part["query"]) for setting, part in table.groupby("setting")}
    assert asked["all"] - asked["unmarked"] == {"reader:click"}
    assert "quiet:tzdata" in asked["unmarked"]  # declared, and predicted by nobody


def test_the_answers_of_test_packages_change_no_prediction(tmp_path: Path) -> None:
    told = write(tmp_path / "told", FIT + TEST)
    swapped = write(tmp_path / "swapped", [*FIT, *(replace(one, declared={"rich": "", "x": ""}) for one in TEST)])
    first, second = (predict_dependencies(folder, Encoder(), PARAMS) for folder in (told, swapped))  # type: ignore[arg-type]
    for scorer in set(first["scorer"]):
        assert sets(first, scorer) == sets(second, scorer)


def test_a_neural_score_that_is_no_number_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="a neural score is not finite; mend the scorer"):
        predict_dependencies(write(tmp_path, FIT + TEST), Encoder(float("nan")), PARAMS)  # type: ignore[arg-type]


def test_the_threshold_is_the_best_of_all_cuts_and_never_parts_equal_probabilities() -> None:
    draw = np.random.default_rng(3)
    for _ in range(30):
        probability = draw.integers(0, 6, 25) / 5
        truth = (draw.random(25) < 0.2 + probability / 2).astype(float)
        declared = int(truth.sum()) + 4

        def score(cut: float, probability=probability, truth=truth, declared=declared) -> float:  # type: ignore[no-untyped-def]
            taken = probability >= cut
            return 2 * truth[taken].sum() / (taken.sum() + declared)

        best = best_threshold(probability, truth, declared)
        assert score(best) == pytest.approx(max(score(cut) for cut in set(probability.tolist())))


def test_ratios_of_counts_are_those_of_the_textbook() -> None:
    counts = np.asarray([[3.0, 1.0, 2.0], [0.0, 0.0, 0.0]])
    assert ratios(counts, "precision").tolist() == [0.75, 0.0]
    assert ratios(counts, "recall").tolist() == [0.6, 0.0]
    assert ratios(counts, "f1")[0] == pytest.approx(2 * 0.75 * 0.6 / (0.75 + 0.6))


def test_the_interval_resamples_packages_and_a_pairing_with_itself_is_nothing() -> None:
    truth = np.asarray([1, 1, 0, 1, 0, 1], bool)
    correct = np.asarray([1, 0, 0, 1, 1, 1], bool)
    counts = outcome_counts(correct, truth, np.asarray([0, 0, 0, 1, 1, 2]))
    assert counts.tolist() == [[1, 1, 1], [1, 0, 0], [1, 0, 0]]
    found = f1_interval(counts, "f1", BOOTSTRAP)
    draws = np.random.default_rng(BOOTSTRAP.seed).multinomial(3, np.full(3, 1 / 3), size=BOOTSTRAP.resamples)
    slow = []
    for weights in draws:
        tp, fp, fn = (sum(w * row[column] for w, row in zip(weights, counts, strict=True)) for column in range(3))
        slow.append(2 * tp / (2 * tp + fp + fn))
    assert found.value == pytest.approx(0.75)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(slow, [0.025, 0.975])))
    paired = f1_interval(counts, "f1", BOOTSTRAP, counts)
    assert (paired.value, paired.low, paired.high) == (0, 0, 0)


def test_the_metrics_file_shows_our_f1_the_best_peers_and_both_gains(tmp_path: Path) -> None:
    table = predict_dependencies(write(tmp_path, FIT + TEST), Encoder(), PARAMS)  # type: ignore[arg-type]
    figures = dependency_figures(table, BOOTSTRAP)
    flat = dependency_headline(figures, table)
    assert flat["dependency_inference.packages"] == 4
    assert flat["dependency_inference.declared"] == 5
    # names: six and click right, rich, yaml and slugs wrong, pyyaml, python-slugs and tzdata missed
    shown = figures[figures["setting"] == "all"].set_index(["scorer", "figure"])["value"]
    assert shown["import_names", "f1"] == pytest.approx(2 * 2 / (2 * 2 + 3 + 3))
    best = max(shown["import_names", "f1"], shown["plain_names", "f1"])
    gain = flat["dependency_inference.all.graphmer.f1"] - best
    assert flat["dependency_inference.all.gain_over_names.f1"] == pytest.approx(gain)
    assert best in (
        flat.get("dependency_inference.all.import_names.f1"),
        flat.get("dependency_inference.all.plain_names.f1"),
    )
    assert {"all", "unmarked"} == set(figures["setting"])
