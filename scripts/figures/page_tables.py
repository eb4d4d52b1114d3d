"""The report's numbers as tables of the page."""

import math

import numpy

import verdict
from evaluation import Evaluation, counts, number, targets
from markup import Markup, join, tag, text
from representation import REFERENCES, WORDS, representations

NOTHING = "–"


def shown(value, digits: int = 3) -> str:
    """A number as it is read: a true minus, and words for what is not finite."""
    value = number(value)
    if not math.isfinite(value):
        return str(value)
    return f"{value:.{digits}f}".replace("-", "−")


def significant(value) -> str:
    value = number(value)
    return f"{value:#.3g}".replace("-", "−") if math.isfinite(value) else str(value)


def spread(values: list) -> str:
    """Mean and standard deviation over the draws."""
    found = [number(value) for value in values]
    deviation = float(numpy.std(found, ddof=1)) if len(found) > 1 else math.nan
    mean = shown(numpy.mean(found)) if found else NOTHING
    return f"{mean} ± {shown(deviation)}" if math.isfinite(deviation) else mean


def table(caption: str, header: list, rows: list[list], best: set[tuple[int, int]] = frozenset()) -> Markup:
    """A table that scrolls by itself where the window is narrow; `best` are (row, column) to stress."""
    head = tag("tr", *(tag("th", cell, scope="col") for cell in header))
    lines = []
    for place, row in enumerate(rows):
        cells = [tag("th", row[0], scope="row")]
        for column, cell in enumerate(row[1:], 1):
            cells.append(tag("td", tag("strong", cell) if (place, column) in best else cell))
        lines.append(tag("tr", *cells))
    made = tag("table", tag("thead", head), tag("tbody", *lines), aria_label=caption)
    scrolling = tag("div", made, class_="scroll", tabindex="0", role="region", aria_label=caption)
    return join([tag("p", caption, class_="caption"), scrolling])


def scores_table(evaluation: Evaluation, group: str, target: str, caption: str) -> Markup:
    """A row a representation, a column a label count; the highest mean of a column in bold."""
    scores = evaluation.report[group][target]
    columns = counts(scores)
    listed = representations(scores, evaluation.runs)
    rows, best = [], set()
    for item in listed:
        by_count = {int(count): values for count, values in scores[item.key].items()}
        rows.append([item.text, *(spread(by_count[count]) if by_count.get(count) else NOTHING for count in columns)])
    for column, count in enumerate(columns, 1):
        means = [numpy.mean([number(v) for v in scores[item.key].get(str(count)) or ["nan"]]) for item in listed]
        if any(math.isfinite(mean) for mean in means):
            best.add((int(numpy.nanargmax(numpy.where(numpy.isfinite(means), means, -numpy.inf))), column))
    return table(caption, ["labelled stars", *(f"{count:,}" for count in columns)], rows, best)


def interval_table(evaluation: Evaluation, group: str, target: str, caption: str) -> Markup:
    intervals = evaluation.report[group][target]
    columns = counts(intervals)
    rows = []
    for item in representations(intervals, evaluation.runs):
        ends = intervals[item.key]
        cells = [
            " to ".join(shown(end, 2) for end in ends[str(count)]) if str(count) in ends else NOTHING
            for count in columns
        ]
        rows.append([item.text, *cells])
    return table(caption, ["labelled stars", *(f"{count:,}" for count in columns)], rows)


def efficiency_table(entries: list[dict], caption: str) -> Markup:
    rows = []
    for entry in entries:
        ratio, ends = verdict.bounds(entry, 2)
        rows.append([f"{int(entry['count']):,}", ratio, ends])
    return table(caption, ["labelled stars", "ratio", "95 % interval"], rows)


def with_chance(
    caption: str, first: str, columns: list[tuple[str, dict, str | None]], evaluation: Evaluation
) -> Markup:
    """Columns (title, scores, key inside a score) of what has a line of chance."""
    keys = dict.fromkeys(key for _, scores, _ in columns for key in scores)
    rows = []
    for item in representations(keys, evaluation.runs):
        cells = []
        for _, scores, inside in columns:
            value = scores.get(item.key)
            value = value.get(inside) if inside and isinstance(value, dict) else value
            cells.append(shown(value) if value is not None else NOTHING)
        rows.append([item.text, *cells])
    if any("chance" in scores for _, scores, _ in columns):
        chances = [shown(scores["chance"]) if "chance" in scores else NOTHING for _, scores, _ in columns]
        rows.append(["chance", *chances])
    return table(caption, [first, *(title for title, _, _ in columns)], rows)


def probes_table(evaluation: Evaluation) -> Markup:
    names = {"instrument": "instrument", "theta_0": "θ₀"}
    columns = [
        (f"{names.get(name, name)}, {word}", probe, kind)
        for name, probe in evaluation.report["probes"].items()
        for kind, word in (("linear", "linear"), ("mlp", "MLP"))
    ]
    caption = "Probes on curves of test stars: balanced accuracy for the instrument, R² for the rest."
    return with_chance(caption, "representation", columns, evaluation)


def retrieval_table(evaluation: Evaluation) -> Markup:
    titles = {"star": "same star, other instruments", "instrument": "same instrument, other stars"}
    columns = [(titles.get(name, name), scores, None) for name, scores in evaluation.report["retrieval"].items()]
    caption = "Recall@1: how often the nearest other curve is of the same star, or of the same instrument."
    return with_chance(caption, "representation", columns, evaluation)


def error_table(evaluation: Evaluation) -> Markup | None:
    """Reconstruction and swap errors, a row a run."""
    swaps = {"swap": "swap", "no_swap": "no swap", "oracle": "oracle", "unchanged": "left as it is"}
    known = [key for key in swaps if any(key in run.get("swap_mse", {}) for run in evaluation.runs.values())]
    rows = []
    for name, run in evaluation.runs.items():
        errors = run.get("swap_mse", {})
        cells = [significant(errors[key]) if key in errors else NOTHING for key in known]
        rebuilt = significant(run["reconstruction_mse"]) if "reconstruction_mse" in run else NOTHING
        rows.append([name, rebuilt, *cells])
    if all(cell == NOTHING for row in rows for cell in row[1:]):
        return None
    caption = "Mean square errors (flux²) on test curves; swaps against the simulator's noise-free truth."
    return table(caption, ["run", "reconstruction", *(swaps[key] for key in known)], rows)


def target_tables(evaluation: Evaluation) -> list[Markup]:
    """The tables of every target: scores, label efficiency, and folded what few will look up."""
    made = []
    for kind, target in targets(evaluation.report):
        named = "θ₀" if target == "theta_0" else target
        score = "R²" if kind == "regression" else "Balanced accuracy"
        per_star = f"{score} of {named} on test stars, mean ± standard deviation over label draws."
        made.append(tag("h3", named))
        made.append(scores_table(evaluation, kind, target, per_star))
        entries = evaluation.report.get("label_efficiency", {}).get(target)
        if entries:
            caption = "Label efficiency: the labels that the baseline needs for z_star's R², over z_star's."
            made.append(efficiency_table(entries, caption))
        folded = []
        if target in evaluation.report.get(f"{kind}_interval", {}):
            caption = "95 % intervals of the means, by bootstrap over test stars."
            folded.append(interval_table(evaluation, f"{kind}_interval", target, caption))
        if target in evaluation.report.get(f"{kind}_per_curve", {}):
            caption = f"{score} of {named} on single curves instead of per-star means."
            folded.append(scores_table(evaluation, f"{kind}_per_curve", target, caption))
        if folded:
            made.append(tag("details", tag("summary", "Intervals, and scores per curve"), *folded))
    return made


def overview_table(evaluation: Evaluation) -> Markup:
    """The headline numbers of each run in a row, beside what needs no training."""
    labels, named, kind, target = verdict.headline_target(evaluation)
    header = ["", "z_star: instrument, linear", "z_instr: instrument, linear"]
    leak = "theta_0" in evaluation.report.get("probes", {})
    header += ["z_instr: θ₀, MLP R²"] if leak else []
    header += [f"{named} at {labels:,} labels"] if target else []

    def cell(value: float) -> str:
        return shown(value) if math.isfinite(value) else NOTHING

    def row(name: str, star: str, instrument: str | None) -> list[str]:
        cells = [name, cell(verdict.probe_score(evaluation, "instrument", star, "linear"))]
        cells.append(
            cell(verdict.probe_score(evaluation, "instrument", instrument, "linear")) if instrument else NOTHING
        )
        if leak:
            cells.append(cell(verdict.probe_score(evaluation, "theta_0", instrument, "mlp")) if instrument else NOTHING)
        if target:
            cells.append(cell(verdict.mean_score(evaluation, kind, target, star, labels)))
        return cells

    rows = [row(name, *verdict.keys_of(evaluation, name)) for name in evaluation.runs]
    rows += [row(WORDS[key], key, None) for key in REFERENCES]
    luck = verdict.chance(evaluation, "instrument")
    rows.append(["chance", cell(luck), cell(luck), *([shown(0.0)] if leak else []), *([NOTHING] if target else [])])
    rows = [line for line in rows if any(value != NOTHING for value in line[1:])]
    caption = (
        "At a glance. Accuracies are balanced, on curves of test stars; what has one space only (a single latent, the "
        "raw curve, the Fourier amplitudes) stands in the column of z_star."
    )
    return table(caption, header, rows)


def runs_table(evaluation: Evaluation) -> Markup:
    rows = []
    for name, run in evaluation.runs.items():
        parameters, step = run.get("parameters"), run.get("step")
        rows.append(
            [
                name,
                run.get("role", NOTHING),
                run.get("latents", NOTHING),
                run.get("encoder", NOTHING),
                run.get("spectrum", NOTHING),
                f"{parameters:,}" if isinstance(parameters, int) else NOTHING,
                f"{step:,}" if isinstance(step, int) else NOTHING,
                tag("code", str(run.get("checkpoint_sha256", NOTHING))[:12]),
                tag("code", run.get("folder", NOTHING)),
            ]
        )
    header = ["run", "role", "latents", "encoder", "spectrum", "parameters", "step", "checkpoint's sha256", "folder"]
    return table("The runs of this report.", header, rows)


def data_list(evaluation: Evaluation) -> Markup:
    """What is known of the data, as terms and values."""
    data = evaluation.report.get("data", {})
    entries = []
    for key, value in data.items():
        if isinstance(value, dict):
            value = ", ".join(f"{amount:,} {name}" for name, amount in value.items() if isinstance(amount, int))
        entries += [tag("dt", key.replace("_", " ")), tag("dd", text(value))]
    return tag("dl", join(entries), class_="facts")
