"""What stage scripts share: where outputs go when some are named by hand."""

from pathlib import Path

import _stage

OUTPUTS = {"out": "data/model", "metrics": "metrics/train.json", "plot": "plots/train.csv"}
NONE: dict[str, Path | None] = dict.fromkeys(OUTPUTS)


def test_where_no_output_is_named_each_goes_to_its_default() -> None:
    assert _stage.placed(NONE, OUTPUTS) == {flag: Path(default) for flag, default in OUTPUTS.items()}


def test_where_out_is_named_the_others_go_beside_it() -> None:
    found = _stage.placed({**NONE, "out": Path("tries/width-1.5")}, OUTPUTS)
    assert found["metrics"] == Path("tries/width-1.5.metrics.json")
    assert found["plot"] == Path("tries/width-1.5.plot.csv")


def test_where_another_output_is_named_none_of_the_rest_is_dvcs() -> None:
    found = _stage.placed({**NONE, "metrics": Path("m.json")}, OUTPUTS)
    assert found == {"out": Path("m.out"), "metrics": Path("m.json"), "plot": Path("m.plot.csv")}


def test_what_is_named_stays_where_it_is_named() -> None:
    given = {"out": Path("a"), "metrics": Path("b.json"), "plot": Path("c.csv")}
    assert _stage.placed(given, OUTPUTS) == given
