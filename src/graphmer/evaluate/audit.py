"""The leak audit: counts of what a held-out figure must not rest on, its offenders by name, and a gate."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from graphmer.errors import EvaluationError
from graphmer.evaluate import audit_links
from graphmer.evaluate.audit_config import AuditBounds, AuditParams
from graphmer.evaluate.audit_links import Offender
from graphmer.evaluate.audit_tokenizer import tokenizer_leaks, train_texts
from graphmer.evaluate.code_search import SearchSet, search_set
from graphmer.evaluate.config import EvalParams
from graphmer.evaluate.documented import documented_functions
from graphmer.evaluate.lexical import IDENTIFIER
from graphmer.evaluate.link_prediction import LinkData, LinkTask
from graphmer.evaluate.masked import masked_positions
from graphmer.evaluate.queries import SETTINGS, IntArray, LinkQueries
from graphmer.evaluate.repeats import Repeats
from graphmer.evaluate.shown import Shown
from graphmer.evaluate.traced_sites import TracedPackage
from graphmer.evaluate.traces import canonical
from graphmer.evaluate.window_text import Sources
from graphmer.pack.shards import SplitArrays

if TYPE_CHECKING:
    import pandas as pd


class AuditedScorer(Protocol):
    """A scorer whose inputs can be read back."""

    def shown(self, queries: LinkQueries, sources: Sources) -> Iterator[Shown]:
        """What it is shown of each query."""
        ...

    def unmasked(self, split: str, sample: IntArray, root: IntArray) -> Iterator[int]:
        """Which of the masked tokens its inputs show all the same, as indices into `sample`."""
        ...


@dataclass(frozen=True)
class Report:
    """counts: offenders a check. offenders: the first of each by name. notes: what could not be checked in full."""

    counts: dict[str, int]
    offenders: dict[str, list[str]]
    notes: list[str]

    def failures(self, bounds: AuditBounds) -> list[str]:
        """One line a check past its bound."""
        lines = []
        for check, bound in asdict(bounds).items():
            count = self.counts[check]
            if bound is not None and count > bound:
                first = self.offenders[check][0]
                lines.append(f"leaks.{check} is {count}, at most {bound} allowed (eval.audit.bounds.{check}): {first}")
        return lines

    def as_json(self, bounds: AuditBounds) -> dict[str, object]:
        """What data/eval/leaks.json holds."""
        return {"counts": self.counts, "bounds": asdict(bounds), "offenders": self.offenders, "notes": self.notes}


def check_bounds(report: Report, bounds: AuditBounds) -> None:
    """Raises EvaluationError with one line a check past its bound."""
    failures = report.failures(bounds)
    if failures:
        raise EvaluationError("\neval: ".join(failures))


def gathered(offenders: Iterable[Offender], notes: Sequence[str], shown: int) -> Report:
    """Counts by check, and the first `shown` offenders of each."""
    counts = dict.fromkeys(AuditBounds.__dataclass_fields__, 0)
    first: dict[str, list[str]] = {check: [] for check in counts}
    for check, what in offenders:
        counts[check] += 1
        if len(first[check]) < shown:
            first[check].append(what)
    return Report(counts, first, list(notes))


def audit(
    packed: Path,
    kg: Path,
    parsed: Path,
    task: LinkTask,
    train: SplitArrays,
    tasks: "dict[str, pd.DataFrame]",
    traced: Sequence[TracedPackage],
    scorer: AuditedScorer,
    repeats: Repeats,
    params: EvalParams,
) -> Report:
    """Every check on what the tasks asked and what `scorer` and the counted peers were shown.

    task: what the link queries were asked of. tasks: the predictions. traced: test packages whose calls were asked.
    repeats: those of `find_repeats`.
    Raises ArtifactError where an input is of another run.
    """
    data = task.data
    of_tokenizer, notes = tokenizer_leaks(packed, train_texts(parsed, kg), params.audit.retrain_max_bytes)
    searched = search_set(documented_functions(parsed, "test", params.code_search), params.code_search, repeats)
    found = [
        *of_tokenizer,
        *repeated(repeats, params.audit),
        *asked_repeats(data, tasks, traced, repeats),
        *searched_names(searched, repeats),
        *_masked_tokens(data.splits["test"], scorer, params, repeats),
        *_links(task, train, scorer, Sources.read(parsed, data.splits["test"])),
    ]
    return gathered(found, notes, params.audit.offenders_shown)


def _links(task: LinkTask, train: SplitArrays, scorer: AuditedScorer, sources: Sources) -> Iterator[Offender]:
    data = task.data
    for setting in SETTINGS:
        queries = task.queries("test", setting)
        shown = list(scorer.shown(queries, sources))
        yield from audit_links.shown_triples(data, queries, shown)
        if queries.hidden:
            yield from audit_links.visible_names(data, queries, shown, sources)
        if setting != "mentions_visible":  # its support is the headline's
            yield from audit_links.counted_triples(data, task, queries)
        if setting == "headline":  # the same triples are asked in every setting, with the same holes
            yield from audit_links.query_triples(data, train, queries)
            yield from audit_links.held_out_support(data, task, queries)
            yield from audit_links.counted_names(data, task, queries, sources)


def repeated(repeats: Repeats, params: AuditParams) -> Iterator[Offender]:
    """Functions of val and test that repeat one of an earlier split, short ones apart."""
    for repeat in sorted(repeats.functions, key=lambda one: (-one.tokens, one)):
        short = repeat.tokens < params.min_function_tokens
        what = f"{repeat.function} ({repeat.split}, {repeat.tokens} tokens) repeats {repeat.twin} ({repeat.twin_split})"
        check = "repeated_short_functions" if short else "repeated_functions"
        yield Offender(check, f"{what}, Jaccard {repeat.jaccard:.2f}")


def asked_repeats(
    data: LinkData, tasks: "dict[str, pd.DataFrame]", traced: Sequence[TracedPackage], repeats: Repeats
) -> Iterator[Offender]:
    """Questions about repeated functions, each once: read from the predictions, and of calls from what was traced."""
    copies = repeats.symbols
    links, search, tokens = (tasks[name] for name in ("link_prediction", "code_search", "masked_tokens"))
    heads = links[["head", "relation", "tail"]].drop_duplicates()
    for head, relation, tail in heads[heads["head"].isin(copies)].itertuples(index=False, name=None):
        yield Offender("asked_repeats", f"link_prediction asks {head} {relation} {tail}")
    for symbol in sorted(copies.intersection(search["query"].tolist())):
        yield Offender("asked_repeats", f"code_search asks for {symbol}")
    owners = data.splits["test"].samples["owner"]
    windows = {str(owners.iat[int(query.partition(":")[0])]) for query in set(tokens["query"].tolist())}
    for symbol in sorted(windows & copies):
        yield Offender("asked_repeats", f"masked_tokens asks within {symbol}")
    callers = frozenset[str]().union(*(package.callers for package in traced))
    for symbol in sorted(callers & {canonical(copy) for copy in copies}):
        yield Offender("asked_repeats", f"call_graph and disambiguation ask for the calls of {symbol}")


def searched_names(searched: SearchSet, repeats: Repeats) -> Iterator[Offender]:
    """Code search: names left in texts that hide them, docstrings left in code, docstrings that train has too."""
    hidden = searched.hidden()
    for row in searched.truth.tolist():
        plain, struck = searched.functions[row], hidden.functions[row]
        if plain.name in IDENTIFIER.findall(f"{struck.query}\n{struck.code}"):
            yield Offender("visible_names", f"code_search: {plain.symbol} shows its name")
        if f" {_words(plain.query)} " in f" {_words(plain.code)} ":
            yield Offender("docstrings_in_code", f"code_search: {plain.symbol} holds its own docstring")
        if plain.query in repeats.docstrings:
            yield Offender(
                "asked_docstrings", f"code_search: {plain.symbol} asks by a docstring of train: {plain.query}"
            )


def _words(text: str) -> str:
    return " ".join(IDENTIFIER.findall(text.lower()))


def _masked_tokens(
    test: SplitArrays, scorer: AuditedScorer, params: EvalParams, repeats: Repeats
) -> Iterator[Offender]:
    sample, root = masked_positions(test, params.masked, repeats.symbols)
    for place in scorer.unmasked("test", sample, root):
        owner = test.samples["owner"].iat[int(sample[place])]
        yield Offender("visible_tokens", f"masked_tokens: {owner} shows its masked token {int(root[place])}")


def as_metrics(report: Report) -> dict[str, object]:
    """`leaks.<check>` of the metrics file."""
    return {f"leaks.{check}": count for check, count in report.counts.items()}
