"""Peers that ran outside the pipeline, by `make peers`: taken in where they answered the very questions of this run.

They need gigabytes that the pipeline does not: PyKEEN's embeddings and a pretrained sentence encoder. What they
answered is committed: `peers.json`, with digests of the questions, and their ranks query by query in `peers.parquet`
beside it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphmer.artifacts import read_json, read_table, sha256_file
from graphmer.errors import ArtifactError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

RENEW = "`make peers` measures them again"
QUERY = ["setting", "query"]


@dataclass(frozen=True)
class ExternalPeers:
    """Ranks by task, of those tasks alone whose digests are this run's; the others in one line each.

    files: what the ranks were read from. stale: how many tasks; missing: 1 where nothing was ever measured.
    """

    ranks: "dict[str, pd.DataFrame]"
    messages: tuple[str, ...]
    files: tuple[Path, ...] = ()
    stale: int = 0
    missing: int = 0

    def counts(self) -> dict[str, object]:
        """What the metrics file says of them."""
        return {"peers.merged": len(self.ranks), "peers.stale": self.stale, "peers.missing": self.missing}

    def merged(self, tasks: "Mapping[str, pd.DataFrame]") -> "dict[str, pd.DataFrame]":
        """The tasks' predictions with these peers' beside them.

        Raises ArtifactError where a peer did not answer exactly the queries of a setting.
        """
        return {
            name: table if name not in self.ranks else _beside(name, table, self.ranks[name])
            for name, table in tasks.items()
        }


def ranks_schema() -> "pa.Schema":
    """One row a query and peer."""
    import pyarrow as pa

    text = ("task", "setting", "scorer", "query")
    return pa.schema([(name, pa.string()) for name in text] + [("rank", pa.float64())])


def read_external_peers(path: Path, digests: Callable[[], Mapping[str, Mapping[str, str]]]) -> ExternalPeers:
    """Read what `make peers` left at `path`.

    digests: gives {task: {questions, training}} of this run, asked only where there is something to compare.
    Raises ArtifactError where the files are damaged or do not belong together.
    """
    if not path.exists():
        return ExternalPeers({}, (f"{path}: not there, so no peer from outside the pipeline; {RENEW}",), missing=1)
    record = read_json(path)
    found = _recorded(path, record)
    stale = {task: changed for task, here in digests().items() if (changed := _changed(found.get(task, {}), here))}
    messages = tuple(
        f"{path}: {task} was measured with other {' and '.join(changed)}, so its peers are stale and left out; {RENEW}"
        if task in found
        else f"{path}: {task} was not measured, so it has no peer from outside the pipeline; {RENEW}"
        for task, changed in stale.items()
    )
    fresh = sorted(set(found) - set(stale))
    table = _ranks(path, record) if fresh else None
    ranks = {} if table is None else {task: table[table["task"] == task].drop(columns="task") for task in fresh}
    return ExternalPeers(ranks, messages, (path, path.with_suffix(".parquet")) if ranks else (), len(stale))


def _recorded(path: Path, record: Any) -> dict[str, dict[str, str]]:
    """{task: digests} of a record."""
    try:
        return {str(task): dict(facts["digests"]) for task, facts in record["tasks"].items()}
    except (TypeError, KeyError, AttributeError, ValueError):
        raise ArtifactError(f"{path}: no record of peers with the digests of their tasks; {RENEW}") from None


def _changed(found: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    return [name for name in here if found.get(name) != here[name]]


def _ranks(path: Path, record: Any) -> "pd.DataFrame":
    table = path.with_suffix(".parquet")
    if not table.exists() or sha256_file(table) != record.get("ranks"):
        raise ArtifactError(f"{table}: missing, or not the ranks that {path.name} was written with; {RENEW}")
    return read_table(table, ranks_schema())


def _beside(task: str, table: "pd.DataFrame", ranks: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    facts = table.drop_duplicates(QUERY).drop(columns=["scorer", "rank"])
    theirs = facts.merge(ranks, on=QUERY, how="inner", validate="one_to_many")
    asked = facts.groupby("setting").size()
    for (setting, scorer), answers in ranks.groupby(["setting", "scorer"], sort=True):
        answered = len(theirs[(theirs["setting"] == setting) & (theirs["scorer"] == scorer)])
        if answered != asked.get(setting, 0) or answered != len(answers):
            raise ArtifactError(
                f"peers, {task}.{setting}: '{scorer}' ranks {len(answers)} queries, {answered} of the "
                f"{asked.get(setting, 0)} that are asked; {RENEW}"
            )
    if clash := sorted(set(ranks["scorer"]) & set(table["scorer"])):
        raise ArtifactError(f"peers, {task}: {clash} are scorers of the pipeline; rename the peers")
    return pd.concat([table, theirs[list(table.columns)]], ignore_index=True)
