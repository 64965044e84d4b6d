"""The tasks that ask for a triple's tail: ranking its candidates, and spelling its name."""

from typing import TYPE_CHECKING

from graphmer.evaluate.config import EvalParams
from graphmer.evaluate.link_prediction import LinkData, LinkTask
from graphmer.evaluate.masked import NODE_SETTINGS, predict_masked_nodes
from graphmer.evaluate.queries import SETTINGS, Setting
from graphmer.evaluate.scorer import NeuralScorer
from graphmer.ontology.vocabulary import load_ontology

if TYPE_CHECKING:
    import pandas as pd


def predict_links(
    data: LinkData,
    params: EvalParams,
    neural: NeuralScorer | None,
    untrained: NeuralScorer | None,
    settings: tuple[Setting, ...] = SETTINGS,
    boosted: bool = True,
) -> "pd.DataFrame":
    """Ranks of all settings; the untrained net and, if asked for, the boosted peer stand in the headline alone."""
    import pandas as pd

    task = LinkTask(data, params.link)
    tables = [
        task.predict(
            setting,
            neural,
            untrained if setting == "headline" else None,
            boosted=boosted and setting == "headline",
        )
        for setting in settings
    ]
    return pd.concat(tables, ignore_index=True)


def predict_nodes(
    data: LinkData, params: EvalParams, neural: NeuralScorer | None, settings: tuple[Setting, ...] = SETTINGS
) -> "pd.DataFrame":
    """Whole names at masked leaves; of `settings`, those that ask for names: mentions hidden, and visible."""
    import pandas as pd

    task = LinkTask(data, params.link)
    names = load_ontology().relation_names
    tables = [
        predict_masked_nodes(data.splits["test"], data.entities, task.queries("test", setting), neural)
        for setting in settings
        if setting in NODE_SETTINGS
    ]
    table = pd.concat(tables, ignore_index=True)
    return table.assign(relation=[names[number] for number in table["relation_id"]]).drop(columns="relation_id")
