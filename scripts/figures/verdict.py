"""How well physics and instrument were separated: the report's headline numbers as questions with answers.

A threshold stands where the answer is given. No answer is given where the report lacks a number for it.
"""

import math
from dataclasses import dataclass

import numpy

from evaluation import Evaluation, counts, number, targets
from representation import represent

LABELS = 100  # the label count that the headline speaks of, or the nearest that the report has
YES, PARTLY, NO = "yes", "partly", "no"


@dataclass
class Finding:
    """One question about one run, its answer, and the numbers behind it."""

    question: str
    answer: str
    text: str
    bars: list[tuple[str, float]]  # what is compared, the run's own value first
    unit: str


@dataclass
class RunVerdict:
    """What is found of one run."""

    run: str
    summary: str
    findings: list[Finding]


def keys_of(evaluation: Evaluation, run: str) -> tuple[str, str | None]:
    """The run's representations of the star and of the instrument; the latter None for a single latent."""
    described = evaluation.runs[run]
    prefix = described.get("prefix", "")
    if described.get("role") == "baseline":
        return "baseline", None
    if described.get("latents") == "dual":
        return f"{prefix}z_star", f"{prefix}z_instr"
    return f"{prefix}z", None


def probe_score(evaluation: Evaluation, probe: str, key: str, kind: str) -> float:
    scores = evaluation.report.get("probes", {}).get(probe, {}).get(key)
    return number(scores.get(kind)) if scores else math.nan


def chance(evaluation: Evaluation, probe: str) -> float:
    return number(evaluation.report.get("probes", {}).get(probe, {}).get("chance"))


def mean_score(evaluation: Evaluation, kind: str, target: str, key: str, count: int) -> float:
    values = evaluation.report[kind][target].get(key, {}).get(str(count))
    return float(numpy.mean([number(value) for value in values])) if values else math.nan


def nearest_count(available: list[int]) -> int:
    return min(available, key=lambda value: abs(math.log(value / LABELS)))


def headline_target(evaluation: Evaluation) -> tuple[int, str, str, str | None]:
    """Label count, title, kind and name of the first target; name None where the report has no target."""
    for kind, target in targets(evaluation.report):
        available = counts(evaluation.report[kind][target])
        if available:
            title = f"{'θ₀' if target == 'theta_0' else target}, {'R²' if kind == 'regression' else 'accuracy'}"
            return nearest_count(available), title, kind, target
    return 0, "", "", None


def with_values(pairs: list[tuple[str, float]]) -> list[tuple[str, float]]:
    return [(name, value) for name, value in pairs if math.isfinite(value)]


def instrument_in_star_space(evaluation: Evaluation, key: str) -> Finding | None:
    """Yes up to twice chance (science: the paper's goal for leakage), no from the raw curve's accuracy on."""
    own, luck = probe_score(evaluation, "instrument", key, "linear"), chance(evaluation, "instrument")
    raw = probe_score(evaluation, "instrument", "raw", "linear")
    if not (math.isfinite(own) and math.isfinite(luck)):
        return None
    answer = YES if own <= 2 * luck else (NO if own >= raw else PARTLY)
    latent = "z_star" if key.endswith("z_star") else "z"
    compared = f", the raw curve in {raw:.1%}" if math.isfinite(raw) else ""
    text = (
        f"A linear probe names the instrument right from {latent} in {own:.1%} of the curves (balanced); "
        f"chance is {luck:.1%}{compared}. Yes means no more than twice chance."
    )
    bars = with_values([(latent, own), ("chance", luck), ("raw curve", raw)])
    if key != "baseline":
        bars += with_values([("baseline", probe_score(evaluation, "instrument", "baseline", "linear"))])
    return Finding(f"Is {latent} free of the instrument?", answer, text, bars, "accuracy")


def instrument_in_its_space(evaluation: Evaluation, key: str) -> Finding | None:
    own, luck = probe_score(evaluation, "instrument", key, "linear"), chance(evaluation, "instrument")
    raw = probe_score(evaluation, "instrument", "raw", "linear")
    if not (math.isfinite(own) and math.isfinite(raw)):
        return None
    answer = YES if own > raw else (PARTLY if own > (raw + luck) / 2 else NO)
    text = (
        f"A linear probe names it right from z_instr in {own:.1%} of the curves, from the raw curve in {raw:.1%}. "
        "Yes means more often than from the raw curve."
    )
    bars = with_values([("z_instr", own), ("chance", luck), ("raw curve", raw)])
    return Finding("Does z_instr know the instrument?", answer, text, bars, "accuracy")


def star_in_instrument_space(evaluation: Evaluation, star: str, key: str) -> Finding | None:
    own, of_star = (probe_score(evaluation, "theta_0", name, "mlp") for name in (key, star))
    if not (math.isfinite(own) and math.isfinite(of_star)):
        return None
    answer = YES if own <= 0.1 else (PARTLY if own <= of_star / 2 else NO)
    text = (
        f"An MLP probe reads θ₀ off single curves with R² {own:.2f} from z_instr and {of_star:.2f} from z_star. "
        "Yes means at most 0.1, partly at most half of what z_star gives."
    )
    bars = with_values(
        [("z_instr", own), ("z_star", of_star), ("raw curve", probe_score(evaluation, "theta_0", "raw", "mlp"))]
    )
    return Finding("Is z_instr free of the star?", answer, text, bars, "R²")


def few_labels(evaluation: Evaluation, kind: str, target: str, key: str) -> Finding | None:
    """Yes where every rival's mean lies below the run's interval, no where the untrained network is not beaten."""
    scores = evaluation.report[kind][target]
    available = counts({key: scores.get(key, {})})
    if not available:
        return None
    count = nearest_count(available)
    own = mean_score(evaluation, kind, target, key, count)
    prefix = evaluation.runs[represent(key, evaluation.runs).run].get("prefix", "")
    names = {"raw": "raw curve", "fft": "Fourier amplitudes", f"{prefix}untrained": "untrained", "baseline": "baseline"}
    if key == "baseline":
        names = {"raw": "raw curve", "fft": "Fourier amplitudes"}
    rivals = {name: mean_score(evaluation, kind, target, rival, count) for rival, name in names.items()}
    rivals = dict(with_values(list(rivals.items())))
    ends = evaluation.report.get(f"{kind}_interval", {}).get(target, {}).get(key, {}).get(str(count))
    low, high = map(number, ends) if ends else (own, own)
    beaten = [name for name, value in rivals.items() if value < low]
    not_beaten = [name for name in rivals if name not in beaten]
    below_untrained = rivals.get("untrained", -math.inf) >= own
    answer = YES if not not_beaten else (NO if below_untrained or not beaten else PARTLY)
    named = "θ₀" if target == "theta_0" else target
    score = "R²" if kind == "regression" else "balanced accuracy"
    span = f" (95 % interval {low:.2f} to {high:.2f})" if ends else ""
    rest = f" Not clearly beaten: {', '.join(not_beaten)}." if not_beaten else " It beats each of the others clearly."
    text = f"{score} of {named} with {count:,} labelled stars: {own:.2f}{span}.{rest if rivals else ''}"
    own_name = "z" if key == "baseline" else key.rpartition("/")[2]
    bars = with_values([(own_name, own), *rivals.items()])
    return Finding(f"Does training pay for {named} at {count:,} labels?", answer, text, bars, score)


def bounds(entry: dict, digits: int) -> tuple[str, str]:
    """Ratio and interval in words: `at least` where the baseline never reaches the score, `at most` where its fewest
    labels already do."""
    low, high = (f"{number(end):.{digits}f}" for end in entry["interval"])
    least = "at least " if entry.get("censored") else ""
    most = "at most " if entry.get("at_smallest") else ""
    return f"{least}{most}{number(entry['ratio']):.{digits}f}", f"{most}{low} to {least}{high}"


def ratio_text(entry: dict) -> str:
    """A label-efficiency ratio with its interval, as a bound where it is one."""
    ratio, ends = bounds(entry, 1)
    return f"{ratio} ({ends})"


def fewer_than_baseline(evaluation: Evaluation, target: str) -> Finding | None:
    """Yes where the interval at the headline's count lies above 1, no where it lies below."""
    entries = evaluation.report.get("label_efficiency", {}).get(target, [])
    if not entries:
        return None
    entry = min(entries, key=lambda item: abs(math.log(number(item["count"]) / LABELS)))
    low, high = map(number, entry["interval"])
    answer = YES if low > 1 else (NO if high < 1 and not entry.get("censored") else PARTLY)
    named = "θ₀" if target == "theta_0" else target
    each = "; ".join(f"at {int(item['count']):,} labels {ratio_text(item)}" for item in entries)
    text = f"Labels that the baseline needs for z_star's R² of {named}, over z_star's own, with 95 % intervals: {each}."
    bars = with_values([(f"{int(item['count']):,} labels", number(item["ratio"])) for item in entries])
    return Finding(f"Fewer labels than the baseline for {named}?", answer, text, bars, "ratio")


def exchange(described: dict) -> Finding | None:
    """Yes up to one and a half times the error without a swap, no where the unchanged curve is as near the truth."""
    errors = {name: number(value) for name, value in described.get("swap_mse", {}).items()}
    if not {"swap", "no_swap", "unchanged"} <= errors.keys():
        return None
    swap = errors["swap"]
    answer = YES if swap <= 1.5 * errors["no_swap"] else PARTLY
    if swap >= errors["unchanged"]:
        answer = NO
    text = (
        f"Mean square error against the simulator's truth: {swap:#.3g} with the other instrument's z_instr, "
        f"{errors['unchanged']:#.3g} if the curve is left as it is, {errors['no_swap']:#.3g} without a swap. "
        "Yes means at most one and a half times the last."
    )
    names = {"swap": "swap", "unchanged": "left as it is", "no_swap": "no swap", "oracle": "oracle"}
    bars = with_values([(name, errors[key]) for key, name in names.items() if key in errors])
    return Finding("Can the instrument be exchanged?", answer, text, bars, "mean square error")


def summary(star: Finding | None, instrument: Finding | None, dual: bool) -> str:
    """The separation in one sentence."""
    if not dual:
        return "A single latent: it cannot separate, it is here to compare with."
    if star is None:
        return "The report holds no instrument probe, so nothing can be said of the separation."
    free = {YES: "z_star is nearly free of the instrument", PARTLY: "z_star still holds some of the instrument"}
    first = free.get(star.answer, "z_star holds the instrument as the raw curve does")
    if instrument is None:
        return f"{first}; whether z_instr is free of the star cannot be said without θ₀."
    leak = {YES: "z_instr is nearly free of the star", PARTLY: "z_instr tells something of the star"}
    second = leak.get(instrument.answer, "z_instr still tells much of the star")
    if star.answer == instrument.answer == YES:
        return f"Separated: {first}, and {second}."
    if YES in (star.answer, instrument.answer):
        return f"Separated one way: {first}, but {second}." if star.answer == YES else f"{first}, but {second}."
    return f"Not separated: {first}, and {second}."


def judge(evaluation: Evaluation, run: str) -> RunVerdict:
    """Every question of `run` that the report can answer."""
    star_key, instrument_key = keys_of(evaluation, run)
    star = instrument_in_star_space(evaluation, star_key)
    leak = star_in_instrument_space(evaluation, star_key, instrument_key) if instrument_key else None
    findings = [star]
    if instrument_key:
        findings += [leak, instrument_in_its_space(evaluation, instrument_key)]
    findings += [few_labels(evaluation, kind, target, star_key) for kind, target in targets(evaluation.report)]
    if run == next(iter(evaluation.runs)):
        findings += [fewer_than_baseline(evaluation, target) for _, target in targets(evaluation.report)]
    findings.append(exchange(evaluation.runs[run]))
    sentence = summary(star, leak, instrument_key is not None)
    return RunVerdict(run, sentence, [finding for finding in findings if finding])
