"""scripts/figures/report.py: pictures and page of made-up reports, the page as a headless browser sees it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
from matplotlib import image

SOURCE = Path(os.environ.get("CAUSALFM_SOURCE", Path(__file__).resolve().parents[2]))
FIGURES = SOURCE / "scripts" / "figures"
sys.path[:0] = [str(FIGURES), str(Path(__file__).parent)]

import browser  # noqa: E402
import label_efficiency  # noqa: E402
import latent_correlation  # noqa: E402
import latent_map  # noqa: E402
import page  # noqa: E402
import pictures  # noqa: E402
import report  # noqa: E402
import synthetic_report  # noqa: E402
import verdict  # noqa: E402
from evaluation import read_evaluation  # noqa: E402
from representation import representations  # noqa: E402
from synthetic_report import Choice, change, write_report  # noqa: E402

SMALL = {"stars": 60, "rows": 200}
HOSTILE = "<script>throw 1</script><img src=x onerror=throw(2)> & \"quoted\" 'too' </pre>"
ALL = [
    "latent_map.png", "latent_map-quickstart-mlp.png", "label_efficiency.png", "probes.png",
    "latent_correlation.png", "latent_correlation-quickstart-mlp.png",
    "reconstruction.png", "reconstruction-quickstart-mlp.png", "reconstruction-quickstart-single.png",
    "counterfactual.png", "counterfactual-quickstart-mlp.png",
    "triplet.png", "triplet-quickstart-mlp.png", "triplet-quickstart-single.png", "learning_curve.png",
]  # fmt: skip


def call(folder):
    command = [sys.executable, "-B", FIGURES / "report.py", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A report of three runs, drawn once; beside what it printed."""
    folder = tmp_path_factory.mktemp("full")
    content = write_report(folder, Choice(**SMALL), folder / "runs")
    content["runs"]["quickstart"]["configuration"] = HOSTILE
    change(folder, runs=content["runs"], command=HOSTILE, data={**content["data"], "folder": HOSTILE})
    (folder / "figures").mkdir()
    for name in ("triplet-of-another-report.png", "made-by-hand.png"):
        (folder / "figures" / name).write_bytes(b"old")
    return folder, call(folder)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A report of one run without truth, baseline or run folder, drawn once."""
    folder = tmp_path_factory.mktemp("bare")
    write_report(folder, Choice(truth=False, baseline=False, second_run=False, **SMALL))
    return folder, call(folder)


def written(tmp_path, **choice):
    """An evaluation of a made-up report, not drawn."""
    write_report(tmp_path, Choice(**{**SMALL, **choice}), tmp_path / "runs")
    return read_evaluation(tmp_path)


def test_prints_every_path(full):
    folder, done = full
    assert done.returncode == 0 and done.stderr == ""
    expected = [str(folder / "figures" / name) for name in ALL] + [str(folder / "index.html")]
    assert done.stdout.splitlines() == expected


def test_pictures_are_not_blank(full):
    for name in ALL:
        pixels = image.imread(full[0] / "figures" / name)[..., :3]
        height, width, _ = pixels.shape
        assert width >= 1200 and height >= 400, name
        inked = (pixels < 0.9).any(axis=2)
        assert 0.005 < inked.mean() < 0.9, name
        columns = numpy.flatnonzero(inked.any(axis=0))
        assert columns[0] < 0.05 * width and columns[-1] > 0.92 * width, f"{name} has a wide empty margin"


def test_only_pictures_of_this_report_stay(full):
    assert sorted(file.name for file in (full[0] / "figures").iterdir()) == sorted([*ALL, "made-by-hand.png"])


def test_page_in_a_browser(full, tmp_path):
    opened = browser.open_page(full[0] / "index.html", tmp_path / "profile")
    assert opened.console == []
    assert opened.dom.count("<img ") == len(ALL)


@pytest.mark.parametrize("width", [390, 1280])
def test_page_fits_its_window(full, tmp_path, width):
    copy = browser.inspected(full[0] / "index.html", tmp_path / "copy.html")
    opened = browser.open_page(copy, tmp_path / "profile", width)
    assert opened.console == []
    assert opened.found["window"] == width and opened.found["width"] <= width
    assert len(opened.found["images"]) == len(ALL)
    assert all(wide >= 1200 and high >= 400 for wide, high in opened.found["images"])
    assert opened.found["lost"] == [] and opened.found["scripts"] == 1  # the inspection itself


def test_page_says_what_was_found(full, tmp_path):
    copy = browser.inspected(full[0] / "index.html", tmp_path / "copy.html")
    text = browser.open_page(copy, tmp_path / "profile").found["text"]
    for words in (
        "How well were physics and instrument separated?",
        "Separated one way: z_star is nearly free of the instrument, but z_instr still tells much of the star.",
        "from z_star in 6.8% of the curves (balanced); chance is 5.9%, the raw curve in 33.0%",
        "at 10 labels at most 1.0 (at most 1.0 to 2.2); at 30 labels 2.6 (1.8 to 3.9)",
        "at 100 labels 3.2 (2.1 to 5.0); at 300 labels at least 4.9 (3.3 to at least 5.3)",
        "at least 4.90",
        HOSTILE,
    ):
        assert words in text
    scores = json.loads((full[0] / "report.json").read_text())["regression"]["theta_0"]["z_star"]["100"]
    assert f"{numpy.mean(scores):.3f} ± {numpy.std(scores, ddof=1):.3f}" in text


def test_light_and_dark(full, tmp_path):
    copy = browser.inspected(full[0] / "index.html", tmp_path / "copy.html")
    shades = [browser.open_page(copy, tmp_path / "profile", dark=dark).found["background"] for dark in (False, True)]
    light, dark = (sum(map(int, re.findall(r"\d+", shade))) for shade in shades)
    assert light > 700 and dark < 150


@pytest.mark.parametrize("fault", ["<script>nowhere()</script>", "<script>console.error('broken')</script>"])
def test_browser_notices_an_error(full, tmp_path, fault):
    copy = browser.inspected(full[0] / "index.html", tmp_path / "copy.html", fault)
    assert len(browser.open_page(copy, tmp_path / "profile").console) == 1


def test_browser_notices_a_broken_image(full, tmp_path):
    copy = browser.inspected(full[0] / "index.html", tmp_path / "copy.html", '<img src="data:image/png;base64,AAAA">')
    assert browser.open_page(copy, tmp_path / "profile").found["images"][-1] == [0, 0]


def test_page_lets_no_script_run(full, tmp_path):
    copy = tmp_path / "copy.html"
    text = (full[0] / "index.html").read_text()
    copy.write_text(text.replace("</body>", "<script>document.title = 'ran'</script></body>"))
    opened = browser.open_page(copy, tmp_path / "profile")
    assert "Content Security Policy" in opened.console[0] and "<title>ran" not in opened.dom


def test_page_needs_nothing_else(full):
    text = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "", (full[0] / "index.html").read_text())
    assert HOSTILE not in text and "<script" not in text
    assert not re.search(r"(src|href)=\"(?!#|\")|url\(|@import", text)


def test_bare_report(bare, tmp_path):
    folder, done = bare
    assert done.returncode == 0
    names = ["latent_map.png", "probes.png", "reconstruction.png", "triplet.png"]
    assert done.stdout.splitlines() == [str(folder / "figures" / name) for name in names] + [str(folder / "index.html")]
    sentences = done.stderr.splitlines()
    missing = "no runs/quickstart/metrics.jsonl: is runs/quickstart the folder of a run?"
    assert f"report.py: The learning curve of quickstart is left out: {missing}" in sentences
    assert "report.py: label_efficiency.png is left out: the data hold no truth, and no labels were given." in sentences
    assert len(sentences) == 4
    opened = browser.open_page(browser.inspected(folder / "index.html", tmp_path / "copy.html"), tmp_path / "profile")
    assert opened.console == [] and len(opened.found["images"]) == len(names)
    assert "cannot be said without θ₀" in opened.found["text"] and "R² of θ₀" not in opened.found["text"]


def render(evaluation, tmp_path):
    """The page with pictures that are one pixel."""
    choice = pictures.choose(evaluation)
    (tmp_path / "figures").mkdir(exist_ok=True)
    for picture in choice.pictures:
        (tmp_path / "figures" / picture.file).write_bytes(b"\x89PNG" + bytes(30))
    return page.render(evaluation, choice), [picture.file for picture in choice.pictures]


def test_without_baseline(tmp_path):
    text, files = render(written(tmp_path, baseline=False), tmp_path)
    assert "quickstart-single" not in text and ">baseline<" not in text and "Fewer labels" not in text
    assert files == [name for name in ALL if "single" not in name]


def test_single_run(tmp_path):
    text, files = render(written(tmp_path, second_run=False), tmp_path)
    assert "quickstart-mlp" not in text
    assert files == [name for name in ALL if "mlp" not in name]


def test_users_own_target(tmp_path):
    evaluation = written(tmp_path, truth=False, label='class <of> "stars"')
    text, files = render(evaluation, tmp_path)
    assert "Balanced accuracy of class &lt;of&gt; &quot;stars&quot; on test stars" in text
    assert "label_efficiency.png" in files
    label_efficiency.draw(evaluation, "classification", 'class <of> "stars"', tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 20_000


def test_numbers_that_are_not_finite(tmp_path):
    evaluation = written(tmp_path)
    evaluation.report["regression"]["theta_0"]["z_instr"]["10"] = ["nan", "-inf", 0.1, 0.2, 0.3]
    evaluation.report["probes"]["theta_0"]["raw"] = {"linear": "-inf", "mlp": -7.5}
    text, _ = render(evaluation, tmp_path)
    assert "−7.500" in text and "nan" in text
    for picture in pictures.choose(evaluation).pictures:
        if picture.kind in ("label_efficiency", "probes"):
            picture.draw(tmp_path / picture.file)


def test_names_that_look_like_mathematics(tmp_path):
    evaluation = written(tmp_path)
    evaluation.report["runs"] = {
        {"quickstart": "a$b_^$\\x", "quickstart-mlp": "n" * 80}.get(name, name): run
        for name, run in evaluation.report["runs"].items()
    }
    evaluation.arrays["examples"]["a$b_^$\\x"] = evaluation.arrays["examples"]["quickstart"]
    chosen = {picture.kind: picture for picture in reversed(pictures.choose(evaluation).pictures)}
    for kind in ("probes", "label_efficiency", "triplet", "latent_correlation", "learning_curve"):
        picture = chosen[kind]
        picture.draw(tmp_path / "figures" / picture.file)
        assert image.imread(tmp_path / "figures" / picture.file).shape[1] < 2600


@pytest.mark.parametrize(
    "accuracy, expected", [(0.068, "yes"), (2 / 17, "yes"), (0.12, "partly"), (0.329, "partly"), (0.33, "no")]
)
def test_answer_on_the_instrument(tmp_path, accuracy, expected):
    evaluation = written(tmp_path)
    evaluation.report["probes"]["instrument"]["z_star"]["linear"] = accuracy
    assert verdict.judge(evaluation, "quickstart").findings[0].answer == expected


@pytest.mark.parametrize(
    "leak, summary", [(0.1, "Separated: "), (0.4, "Separated one way"), (0.9, "Separated one way")]
)
def test_summary(tmp_path, leak, summary):
    evaluation = written(tmp_path)
    evaluation.report["probes"]["theta_0"]["z_instr"]["mlp"] = leak
    assert verdict.judge(evaluation, "quickstart").summary.startswith(summary)
    evaluation.report["probes"]["instrument"]["z_star"]["linear"] = 0.5
    assert not verdict.judge(evaluation, "quickstart").summary.startswith("Separated")


@pytest.mark.parametrize("rival, expected", [(0.5, "yes"), (0.66, "partly"), (0.9, "partly")])
def test_answer_on_few_labels(tmp_path, rival, expected):
    evaluation = written(tmp_path)
    scores = evaluation.report["regression"]["theta_0"]
    for key in scores:
        scores[key]["100"] = [0.4] * 5
    scores["z_star"]["100"], scores["fft"]["100"] = [0.7] * 5, [rival] * 5
    evaluation.report["regression_interval"]["theta_0"]["z_star"]["100"] = [0.65, 0.75]
    found = verdict.few_labels(evaluation, "regression", "theta_0", "z_star")
    assert found.answer == expected and dict(found.bars)["Fourier amplitudes"] == rival


def test_order_of_representations(tmp_path):
    evaluation = written(tmp_path)
    listed = representations(evaluation.report["regression"]["theta_0"], evaluation.runs)
    assert [item.key for item in listed] == [
        "raw", "fft", "z_star", "z_instr", "untrained", "quickstart-mlp/z_star", "quickstart-mlp/z_instr",
        "quickstart-mlp/untrained", "baseline",
    ]  # fmt: skip
    assert listed[-1].run == "quickstart-single" and listed[5].run == "quickstart-mlp" and listed[0].run is None
    assert len({(item.look["color"], str(item.look["linestyle"])) for item in listed}) == len(listed)


def test_correlation():
    random = numpy.random.default_rng(3)
    latents, factors = random.normal(size=(80, 4)), random.normal(size=(80, 3))
    factors[:, 1] = 5.0
    found = latent_correlation.correlation(latents.astype("float32"), factors)
    for row in range(4):
        for column in (0, 2):
            expected = abs(numpy.corrcoef(latents[:, row], factors[:, column])[0, 1])
            assert found[row, column] == pytest.approx(expected, abs=1e-6)  # latents are rounded to float32
    assert (found[:, 1] == 0).all()


def test_nearest_rows():
    values = numpy.random.default_rng(4).normal(size=(1300, 5)).astype("float32")  # more than one block
    indices, distances = latent_map.nearest(values, 6)
    for row in (0, 7, 999, 1000, 1299):
        exact = numpy.linalg.norm(values.astype(float) - values[row].astype(float), axis=1)
        order = numpy.argsort(exact)[:6]
        assert indices[row].tolist() == order.tolist() and indices[row, 0] == row
        assert numpy.allclose(distances[row], exact[order], atol=1e-5)


def test_mean_and_deviation():
    labels, means, deviations = label_efficiency.series({"100": [0.5, 0.7], "10": [0.1], "1000": [0.9, 0.9]})
    assert labels.tolist() == [10, 100, 1000]
    assert means == pytest.approx([0.1, 0.6, 0.9])
    assert deviations == pytest.approx([0.0, 0.1 * 2**0.5, 0.0])


def test_same_map_again(bare):
    first = (bare[0] / "figures" / "latent_map.png").read_bytes()
    assert call(bare[0]).returncode == 0
    assert (bare[0] / "figures" / "latent_map.png").read_bytes() == first


def test_missing_package(tmp_path):
    def without_umap(out):
        raise ModuleNotFoundError("No module named 'umap'", name="umap")

    picture = pictures.Picture("latent_map", "latent_map.png", "", "", "", "", without_umap)
    sentence = "latent_map.png is left out: Python has no module umap; run launch/setup.sh."
    assert report.draw([picture], tmp_path) == [sentence]


def test_synthetic_report_is_of_its_format(tmp_path):
    content = write_report(tmp_path, Choice(**SMALL))
    assert content["format"] == "causalfm-report" and len(content["regression"]["theta_0"]) == 9
    assert set(synthetic_report.keys(Choice(baseline=False))) == set(synthetic_report.MADE_UP) - {"baseline"}
