"""index.html of a report: one page that holds everything, opens from disk and needs no network and no script."""

import base64
import shlex
from pathlib import Path

import page_tables
import pictures
import verdict
from evaluation import Evaluation
from markup import Markup, join, slug, tag

STYLE = Path(__file__).with_name("page.css")
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"  # a browser then loads nothing from anywhere
MARKS = {verdict.YES: "✓", verdict.PARTLY: "≈", verdict.NO: "✗"}
TABLE_NAMES = {
    "probes": "Probes",
    "retrieval": "Retrieval",
}


def bars(finding: verdict.Finding) -> Markup:
    """The numbers of a finding as bars; the run's own first and stressed."""
    longest = max((value for _, value in finding.bars), default=0.0)
    scale = max(longest, 1.0 if finding.unit in ("R²", "balanced accuracy") else 0.0) or 1.0
    rows = []
    for place, (name, value) in enumerate(finding.bars):
        width = 100 * min(max(value, 0.0) / scale, 1.0)
        bar = tag("span", tag("span", style=f"width:{width:.1f}%"), class_="bar", aria_hidden="true")
        own = "own" if place == 0 or finding.unit == "ratio" else None
        number = page_tables.significant(value) if finding.unit == "mean square error" else page_tables.shown(value, 2)
        rows.append(tag("tr", tag("th", name, scope="row"), tag("td", bar), tag("td", number), class_=own))
    return tag("table", tag("tbody", *rows), class_="bars", aria_label=f"{finding.question} ({finding.unit})")


def card(finding: verdict.Finding) -> Markup:
    answer = tag("span", f"{MARKS[finding.answer]} {finding.answer}", class_=f"answer {finding.answer}")
    return tag(
        "div",
        tag("h4", finding.question, " ", answer),
        bars(finding),
        tag("p", finding.text),
        class_="card",
    )


def headline(evaluation: Evaluation) -> Markup:
    """For each run a sentence and a card a question."""
    parts = [
        tag(
            "p",
            "A dual model should put what the star is into z_star and what the instrument did into z_instr, and each "
            "should know nothing of the other. Probes and regressors that never saw a test star say how far it did. "
            "Every answer states its own threshold.",
            class_="lead",
        )
    ]
    parts.append(page_tables.overview_table(evaluation))
    for name in evaluation.runs:
        judged = verdict.judge(evaluation, name)
        parts.append(tag("h3", name, id=f"run-{slug(name)}"))
        parts.append(tag("p", judged.summary, class_="summary"))
        parts.append(tag("div", *map(card, judged.findings), class_="cards"))
    return join(parts)


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height from the header, so that the page does not jump while pictures load."""
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def figure(picture: pictures.Picture, folder: Path) -> Markup:
    png = (folder / picture.file).read_bytes()
    width, height = size_of(png)
    whose = f" of {picture.run}" if picture.run else ""
    image = tag(
        "img",
        src="data:image/png;base64," + base64.b64encode(png).decode(),
        alt=f"{picture.heading}{whose}: {picture.shows}",
        width=width // 2,
        height=height // 2,
    )
    caption = tag(
        "figcaption",
        tag("span", picture.file, class_="file"),
        tag("p", picture.shows),
        tag("p", tag("b", "Good: "), picture.good),
        tag("p", tag("b", "Bad: "), picture.bad),
    )
    return tag("figure", tag("div", image, class_="plate"), caption)


def figures(evaluation: Evaluation, choice: pictures.Choice) -> Markup:
    """Every picture; those of a second and later run of one kind are folded away."""
    folder = evaluation.folder / "figures"
    parts, kinds = [], set()
    for picture in choice.pictures:
        made = figure(picture, folder)
        if picture.kind in kinds and picture.run:
            made = tag("details", tag("summary", f"{picture.heading}: {picture.run}"), made)
        else:
            heading = picture.heading + (f": {picture.run}" if picture.run else "")
            parts.append(tag("h3", heading, id=f"picture-{slug(picture.file.removesuffix('.png'))}"))
        kinds.add(picture.kind)
        parts.append(made)
    if choice.left_out:
        parts.append(tag("ul", *(tag("li", sentence) for sentence in choice.left_out), class_="note"))
    return join(parts)


def numbers(evaluation: Evaluation) -> Markup:
    parts = page_tables.target_tables(evaluation)
    makers = {"probes": page_tables.probes_table, "retrieval": page_tables.retrieval_table}
    for name, maker in makers.items():
        if evaluation.report.get(name):
            parts += [tag("h3", TABLE_NAMES[name]), maker(evaluation)]
    errors = page_tables.error_table(evaluation)
    if errors:
        parts += [tag("h3", "Reconstruction and exchange"), errors]
    return join(parts)


def configuration(evaluation: Evaluation) -> Markup:
    parts = [page_tables.runs_table(evaluation), tag("h3", "Data"), page_tables.data_list(evaluation)]
    parts.append(tag("h3", "Configurations"))
    for name, run in evaluation.runs.items():
        if run.get("configuration"):
            parts.append(
                tag("details", tag("summary", f"config.yaml of {name}"), tag("pre", tag("code", run["configuration"])))
            )
    return join(parts)


def commands(evaluation: Evaluation) -> Markup:
    out = shlex.quote(str(evaluation.folder))
    lines = [evaluation.report.get("command", ""), f".venv/bin/python scripts/figures/report.py {out}"]
    return join(
        [
            tag("p", "The first line computes every number anew, the second only draws the pictures and this page."),
            tag("pre", tag("code", "\n".join(line for line in lines if line))),
            tag(
                "p",
                "report.json holds the numbers; evaluation.h5 the latents, predictions and label sets behind them, "
                "for whoever wants to check. The same label sets serve every representation, no probe is fitted on a "
                "test star, and R² is never clipped.",
            ),
        ]
    )


def contents(sections: list[tuple[str, Markup]], evaluation: Evaluation, choice: pictures.Choice) -> Markup:
    """The table of contents, with the runs and the kinds of picture below their sections."""
    below: dict[str, list[Markup]] = {
        "Separation": [tag("li", tag("a", name, href=f"#run-{slug(name)}")) for name in evaluation.runs],
        "Pictures": [],
    }
    kinds = set()
    for picture in choice.pictures:
        if picture.kind not in kinds or not picture.run:
            short = picture.heading.split(" (")[0]
            anchor = f"#picture-{slug(picture.file.removesuffix('.png'))}"
            below["Pictures"].append(tag("li", tag("a", short, href=anchor)))
        kinds.add(picture.kind)
    items = []
    for title, _ in sections:
        inner = below.get(title)
        items.append(tag("li", tag("a", title, href=f"#{slug(title)}"), tag("ol", *inner) if inner else ""))
    return tag("nav", tag("ol", *items), aria_label="Contents")


def subtitle(evaluation: Evaluation) -> str:
    """One line on what it was evaluated with."""
    data = evaluation.report.get("data", {})
    stars, curves = (data.get(name, {}).get("test") for name in ("stars", "curves"))
    parts = [str(data.get("folder", ""))]
    if isinstance(stars, int):
        parts.append(f"{stars:,} test stars" + (f" in {curves:,} curves" if isinstance(curves, int) else ""))
    if isinstance(data.get("instruments"), int):
        parts.append(f"{data['instruments']:,} instruments")
    return " · ".join(part for part in parts if part)


def render(evaluation: Evaluation, choice: pictures.Choice) -> str:
    """The whole page. Pictures are read from OUT/figures, everything from files is escaped."""
    sections = [
        ("Separation", headline(evaluation)),
        ("Pictures", figures(evaluation, choice)),
        ("Numbers", numbers(evaluation)),
        ("Runs and data", configuration(evaluation)),
        ("To repeat", commands(evaluation)),
    ]
    heads = {"Separation": "How well were physics and instrument separated?"}
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"causalfm report: {', '.join(evaluation.runs)}"),
        tag("style", Markup(STYLE.read_text(encoding="utf-8"))),
    )
    *others, last = evaluation.runs
    separated = [*(f"{name}," for name in others), last]
    top = tag(
        "header",
        tag("p", "causalfm report", class_="kicker"),
        tag("h1", join([tag("span", name, class_="name") for name in separated], " ")),
        tag("p", subtitle(evaluation), class_="subtitle"),
    )
    made = [tag("section", tag("h2", heads.get(title, title)), body, id=slug(title)) for title, body in sections]
    version = evaluation.report.get("causalfm", "")
    foot = tag("footer", f"causalfm {version} · after Muthukrishna et al. 2025, arXiv 2507.05333")
    body = tag("body", top, tag("div", contents(sections, evaluation, choice), tag("main", *made), class_="page"), foot)
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"
