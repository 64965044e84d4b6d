"""The tasks that ask for a triple's tail: ranking its candidates, and spelling its name."""

from typing import TYPE_CHECKING

from graphmer.evaluate.link_prediction import LinkTask
from graphmer.evaluate.masked import NODE_SETTINGS, predict_masked_nodes
from graphmer.evaluate.queries import SETTINGS, Setting
from graphmer.evaluate.scorer import NeuralScorer
from graphmer.ontology.vocabulary import load_ontology

if TYPE_CHECKING:
    import pandas as pd


def predict_links(
    task: LinkTask,
    neural: NeuralScorer | None,
    untrained: NeuralScorer | None,
    settings: tuple[Setting, ...] = SETTINGS,
) -> "pd.DataFrame":
    """Ranks of all settings; the untrained net stands in the headline alone."""
    import pandas as pd

    tables = []
    for setting in settings:
        tables.append(task.predict(setting, neural, untrained if setting == "headline" else None))
    return pd.concat(tables, ignore_index=True)


def predict_nodes(
    task: LinkTask, neural: NeuralScorer | None, settings: tuple[Setting, ...] = SETTINGS
) -> "pd.DataFrame":
    """Whole names at masked leaves; of `settings`, those that ask for names: mentions hidden, and visible."""
    import pandas as pd

    names = load_ontology().relation_names
    tables = [
        predict_masked_nodes(task.data.splits["test"], task.data.entities, task.queries("test", setting), neural)
        for setting in settings
        if setting in NODE_SETTINGS
    ]
    table = pd.concat(tables, ignore_index=True)
    return table.assign(relation=[names[number] for number in table["relation_id"]]).drop(columns="relation_id")
