"""What the long ablation says of the two claims that it is there to decide."""

from collections.abc import Mapping

from graphmer.evaluate.config import BootstrapParams
from graphmer.evaluate.crossed import crossed_interval
from graphmer.report.ablation import BETTER, WORSE, verdict_of
from graphmer.report.measures import HEADLINE, NAMES_HIDDEN, POOLED, Compared, Predictions, paired

CONTROLS = ("plain_tokens", "shuffled_relations", "random_tails")


def graph_claim(compared: Mapping[str, Mapping[str, Compared]]) -> dict[str, object]:
    """Whether the full model beats every control in the headline and in B, C and D pooled.

    All of these must hold at once, so no correction for many comparisons is due (an intersection-union test).
    """
    missing = [row for row in CONTROLS if row not in compared]
    failed = [
        f"{row} in {name}"
        for row in CONTROLS
        if row in compared
        for name in (HEADLINE, POOLED)
        if compared[row][name].verdict != WORSE
    ]
    if failed:
        verdict = f"not shown: no verdict for the full model over {'; '.join(failed)}"
    else:
        verdict = f"open: not run: {', '.join(missing)}" if missing else "shown"
    return {"claim": f"the full model beats {', '.join(CONTROLS)}", "verdict": verdict}


def bias_claim(
    full: Predictions, without: Predictions, gain: float, bootstrap: BootstrapParams, seeds_needed: int
) -> dict[str, object]:
    """Whether masked names are right more often with the relation bias by the claimed share of what is right without.

    The contrast full - (1 + gain) x without is linear in the queries, so its interval needs no ratio, which an accuracy
    near 0 would make worthless.
    """
    without_SQ, full_SQ, group_Q = paired(NAMES_HIDDEN, without, full, bootstrap)
    interval = crossed_interval(full_SQ - (1.0 + gain) * without_SQ, group_Q, bootstrap).both
    answers = {BETTER: "shown", WORSE: "refuted"}
    verdict = verdict_of(interval, len(full_SQ), seeds_needed)
    numbers = {"full": float(full_SQ.mean()), "without": float(without_SQ.mean()), "contrast": interval.value}
    if interval.low == interval.low:  # NaN where there is one file or one seed
        numbers |= {"low": interval.low, "high": interval.high}
    claim = f"{NAMES_HIDDEN}: full is at least {1.0 + gain:g} x no_rel_bias"
    return {"claim": claim, **numbers, "verdict": answers.get(verdict, f"neither shown nor refuted ({verdict})")}
