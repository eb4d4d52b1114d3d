"""`causalfm embed` and `evaluate` as their user runs them: every number of a report computed again from its files."""

import csv
import hashlib
import json
import shutil

import h5py
import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, r2_score

from conftest import SMALL, run, succeed
from test_bad_input import assert_ends

UNIVERSE = SMALL.replace("stars: 60", "stars: 150").replace("test_stars: 0.1", "test_stars: 0.3")
NOT_THERE = "/no/such/python"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A data set, a dual run, a single-latent run of the same split, and their embeddings."""
    folder = tmp_path_factory.mktemp("world")
    config = folder / "small.yaml"
    config.write_text(UNIVERSE)
    data = folder / "data"
    succeed("simulate", config, "--out", data)
    settings = ("--set", f"data.path={data}")
    succeed("train", config, *settings, "--run", folder / "dual", "--set", "model.observation_latent=3")
    succeed("train", config, *settings, "--run", folder / "single", "--set", "model.latents=single",
            "--set", "data.sampler=pair", "--set", "loss.instrument=0")
    for name in ("dual", "single"):
        succeed("embed", "--run", folder / name, "--data", data, "--out", folder / f"{name}.h5")
    return folder


@pytest.fixture(scope="module")
def report(world):
    """The folder of an evaluation of all of it."""
    out = world / "report"
    succeed("evaluate", "--run", world / "dual", "--baseline", world / "single", "--data", world / "data", "--out", out,
            "--embeddings", world / "dual.h5", "--embeddings", world / "single.h5", "--python", NOT_THERE)
    return out


def evaluate(world, *arguments, **options):
    return run("evaluate", "--data", world / "data", "--python", NOT_THERE, *arguments, **options)


def best_checkpoint(folder):
    return folder / "checkpoints" / (folder / "checkpoints" / "best").read_text().strip()


def test_embeddings_hold_what_the_contract_says(world):
    with h5py.File(world / "dual.h5") as dual, h5py.File(world / "single.h5") as single:
        assert dual.attrs["format"].decode() == "causalfm-embeddings" and dual.attrs["version"] == 1
        checkpoint = best_checkpoint(world / "dual").read_bytes()
        assert dual.attrs["checkpoint_sha256"].decode() == hashlib.sha256(checkpoint).hexdigest()
        assert dual["z_star"].shape == dual["z_instr"].shape == (1050, 6) and dual["z_observation"].shape == (1050, 3)
        assert single["z"].shape == (1050, 6) and "z_star" not in single and "z_instr" not in single
        assert dual["z_star"].dtype == np.float32
        shards = [h5py.File(file) for file in sorted((world / "data").glob("*.h5"))]
        for name in ("star_id", "instrument_id", "observation_id", "truth/theta", "truth/phase"):
            assert (dual[name][()] == np.concatenate([shard[name][()] for shard in shards])).all()
        assert (dual["truth/beta"][()] == shards[0]["truth/beta"][()]).all()
        stars = [set(dual["star_id"][()][dual["split"][()] == split]) for split in range(3)]
        assert not stars[0] & stars[1] and not stars[0] & stars[2] and sum(map(len, stars)) == 150
        assert (dual["split"][()] == single["split"][()]).all() and not dual["held_out_instrument"][()].any()


def test_embeddings_are_the_same_on_three_ranks(world, tmp_path):
    succeed("embed", "--run", world / "dual", "--data", world / "data", "--out", tmp_path / "three.h5", ranks=3)
    with h5py.File(world / "dual.h5") as one, h5py.File(tmp_path / "three.h5") as three:
        assert set(one) == set(three)
        for name in ("z_star", "z_instr", "z_observation", "reconstruction_error"):
            np.testing.assert_allclose(one[name][()], three[name][()], rtol=1e-4, atol=1e-5)


def test_other_data_belong_to_no_split(world, tmp_path):
    succeed("simulate", world / "small.yaml", "--out", tmp_path / "other", "--set", "simulation.seed=9")
    done = succeed("embed", "--run", world / "dual", "--data", tmp_path / "other", "--out", tmp_path / "other.h5")
    assert "is not the data set that dual was trained on" in done.output
    with h5py.File(tmp_path / "other.h5") as embeddings:
        assert (embeddings["split"][()] == 3).all()


def test_scores_follow_from_the_predictions(report):
    numbers = json.loads((report / "report.json").read_text())
    counts = list(numbers["regression"]["theta_0"]["z_star"])
    assert counts[:2] == ["10", "30"] and int(counts[-1]) == numbers["data"]["stars"]["train"]
    with h5py.File(report / "evaluation.h5") as file:
        truth = file["predictions/theta_0/truth"][()]
        for name in ("raw", "fft", "untrained", "baseline", "z_star", "z_instr"):
            for count in counts:
                predictions = file[f"predictions/theta_0/{name}/{count}"][()]
                expected = [r2_score(truth, draw) for draw in predictions]
                assert numbers["regression"]["theta_0"][name][count] == pytest.approx(expected, abs=1e-9)
            for kind in ("linear", "mlp"):
                for quantity, score in (("instrument", balanced_accuracy_score), ("theta_0", r2_score)):
                    group = file[f"probes/{quantity}"]
                    assert numbers["probes"][quantity][name][kind] == pytest.approx(
                        score(group["truth"][()], group[f"{name}/{kind}"][()]), abs=1e-9)
        sets = file["label_sets/theta_0"][()]
        assert sets.shape == (5, int(counts[-1])) and all(len(set(draw)) == len(draw) for draw in sets)
    assert numbers["probes"]["instrument"]["chance"] == 0.2


def test_no_label_is_of_a_test_star(report, world):
    with h5py.File(report / "evaluation.h5") as file, h5py.File(world / "dual.h5") as embeddings:
        split = dict(zip(embeddings["star_id"][()], embeddings["split"][()]))
        assert {split[star] for star in file["label_sets/theta_0"][()].ravel()} == {0}
        assert {split[star] for star in file["predictions/theta_0/star_id"][()]} == {2}


def crossing(counts, curve, score):
    """Where a mean curve first reaches a score, by interpolation in the logarithm of the count; None: never."""
    for index, value in enumerate(curve):
        if value >= score:
            if index == 0:
                return counts[0]
            share = (score - curve[index - 1]) / (value - curve[index - 1])
            return np.exp(np.log(counts[index - 1]) + share * np.log(counts[index] / counts[index - 1]))
    return None


def test_label_efficiency_follows_from_the_scores(report):
    numbers = json.loads((report / "report.json").read_text())
    scores = numbers["regression"]["theta_0"]
    counts = [int(count) for count in scores["baseline"]]
    baseline = [np.mean(values) for values in scores["baseline"].values()]
    for entry in numbers["label_efficiency"]["theta_0"]:
        labels = crossing(counts, baseline, np.mean(scores["z_star"][str(entry["count"])]))
        assert entry["censored"] == (labels is None)
        assert entry["ratio"] == pytest.approx((labels or counts[-1]) / entry["count"], rel=1e-9)
        assert entry["interval"][0] <= entry["interval"][1]


def test_errors_and_retrieval_follow_from_the_embeddings(report, world):
    numbers = json.loads((report / "report.json").read_text())
    with h5py.File(world / "dual.h5") as file:
        test = file["split"][()] == 2
        star, instrument = file["star_id"][()][test], file["instrument_id"][()][test]
        assert numbers["reconstruction_mse"] == pytest.approx(file["reconstruction_error"][()][test].mean(), rel=1e-5)
        for latent in ("z_star", "z_instr"):
            unit = file[latent][()][test]
            unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
            for kind, same, other in (("star", star, instrument), ("instrument", instrument, star)):
                cosine = np.where(other[:, None] != other[None], unit @ unit.T, -np.inf)
                exists = ((same[:, None] == same[None]) & (other[:, None] != other[None])).any(1)
                found = (same[cosine.argmax(1)] == same)[exists].mean()
                assert numbers["retrieval"][kind][latent] == pytest.approx(found, abs=0.005)


def noiseless(theta, phase, beta, gamma, length=40, alpha=1.0, period=0.5):
    """The paper's equations 1 to 4 for one curve, without noise."""
    t = np.arange(length)
    k = np.arange(1, len(theta))
    waves = 2 * np.pi * np.outer(k, t) / (length * np.exp(theta[0]) * period)
    true = (theta[1:, None] * np.cos(phase[:, None] + waves) / k[:, None] ** alpha).sum(0)
    terms = np.cos(np.pi * np.outer(np.arange(len(beta)), t) / length)
    return np.clip((1 + 0.05 * beta @ terms) * true + 0.05 * gamma @ terms, -1, 1)


def perceptron(parameters, value):
    """Linear layers of a checkpoint with SiLU between them."""
    for layer in range(sum(name.startswith("layer") for name in parameters)):
        value = value if layer == 0 else value / (1 + np.exp(-value))
        value = value @ parameters[f"layer{layer}/weight"][()].T + parameters[f"layer{layer}/bias"][()]
    return value


def test_swap_errors_follow_from_the_checkpoint_and_the_truth(report, world):
    with h5py.File(report / "evaluation.h5") as file, h5py.File(world / "dual.h5") as embeddings:
        place = {observation: row for row, observation in enumerate(embeddings["observation_id"][()])}
        a, b = ([place[i] for i in file[f"swap/{group}observation_id"][()]] for group in ("", "partner/"))
        z_star, z_instr, z_observation = (embeddings[f"z_{name}"][()] for name in ("star", "instr", "observation"))
        star, instrument, split = (embeddings[name][()] for name in ("star_id", "instrument_id", "split"))
        truth = {name: embeddings[f"truth/{name}"][()] for name in ("theta", "phase", "beta", "gamma")}
    assert (split[a] == 2).all() and (star[a] != star[b]).all() and (instrument[a] != instrument[b]).all()

    with h5py.File(best_checkpoint(world / "dual")) as checkpoint:
        decoder = checkpoint["model/decoder"]

        def decode(instrument_rows):
            gated = perceptron(decoder["gate_star"], z_star[a]) * perceptron(decoder["gate_instrument"], z_instr[instrument_rows])
            return perceptron(decoder, np.hstack([gated, perceptron(decoder["gate_observation"], z_observation[a])]))

        swapped, unchanged = decode(b), decode(a)
    seen_by = {
        name: np.array([noiseless(truth["theta"][row], truth["phase"][row], truth["beta"][instrument[other]],
                                  truth["gamma"][instrument[other]]) for row, other in zip(a, others)])
        for name, others in (("own", a), ("other", b))
    }
    numbers = json.loads((report / "report.json").read_text())
    swap = numbers["swap_mse"]
    assert swap["swap"] == pytest.approx(((swapped - seen_by["other"]) ** 2).mean(), rel=1e-4)
    assert swap["unchanged"] == pytest.approx(((unchanged - seen_by["other"]) ** 2).mean(), rel=1e-4)
    assert swap["no_swap"] == pytest.approx(((unchanged - seen_by["own"]) ** 2).mean(), rel=1e-4)
    assert swap["oracle"] > 0 and "swap_mse" not in numbers["runs"]["single"]


def test_a_report_repeats(world, report, tmp_path):
    done = evaluate(world, "--run", world / "dual", "--baseline", world / "single", "--out", tmp_path / "again",
                    "--set", "runtime.threads=2")
    assert done.code == 0, done.error
    first, again = (json.loads((folder / "report.json").read_text()) for folder in (report, tmp_path / "again"))
    assert first["regression"]["theta_0"]["raw"] == again["regression"]["theta_0"]["raw"]
    assert first["probes"]["instrument"]["fft"]["mlp"] == again["probes"]["instrument"]["fft"]["mlp"]


def test_without_python_there_is_a_report_and_one_warning(world, tmp_path):
    done = evaluate(world, "--run", world / "single", "--out", tmp_path / "report")
    assert done.code == 0 and done.output.count("no pictures") == 1
    numbers = json.loads((tmp_path / "report/report.json").read_text())
    assert "baseline" not in numbers["regression"]["theta_0"] and "z" in numbers["regression"]["theta_0"]
    for absent in ("label_efficiency", "swap_mse", "classification"):
        assert absent not in numbers
    assert "null" not in (tmp_path / "report/report.json").read_text()
    assert not (tmp_path / "report/figures").exists() and (tmp_path / "report/report.md").stat().st_size > 1000


def test_several_runs_are_told_by_name(world, tmp_path):
    done = evaluate(world, "--run", world / "single", "--run", world / "dual", "--out", tmp_path / "report",
                    "--counts", "20,40")
    assert done.code == 0, done.error
    names = json.loads((tmp_path / "report/report.json").read_text())["regression"]["theta_0"]
    assert list(names) == ["raw", "fft", "untrained", "z", "dual/untrained", "dual/z_star", "dual/z_instr"]
    assert list(names["raw"]) == ["20", "40"]


def test_labels_of_the_user(world, tmp_path):
    with h5py.File(world / "dual.h5") as file:
        theta = dict(zip(file["star_id"][()].tolist(), file["truth/theta"][:, 0].tolist()))
    with open(tmp_path / "labels.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["star_id", "period", "kind"])
        writer.writerows([star, value, "long" if value > 0 else "short"] for star, value in theta.items() if star % 5)
    done = evaluate(world, "--run", world / "dual", "--out", tmp_path / "report", "--labels", tmp_path / "labels.csv",
                    "--target", "period,kind", "--counts", "40")
    assert done.code == 0, done.error
    numbers = json.loads((tmp_path / "report/report.json").read_text())
    assert set(numbers["regression"]) == {"theta_0", "period"} and set(numbers["classification"]) == {"kind"}
    with h5py.File(tmp_path / "report/evaluation.h5") as file:
        group = file["predictions/kind"]
        expected = [balanced_accuracy_score(group["truth"][()], draw) for draw in group["raw/40"][()]]
        assert numbers["classification"]["kind"]["raw"]["40"] == pytest.approx(expected, abs=1e-9)


def without_truth(source, target):
    """The same data set without truth/ and without word of a simulation."""
    shutil.copytree(source, target)
    manifest = json.loads((target / "dataset.json").read_text())
    for shard in manifest["shards"]:
        with h5py.File(target / shard["file"], "r+") as file:
            del file["truth"]
        shard["sha256"] = hashlib.sha256((target / shard["file"]).read_bytes()).hexdigest()
    manifest["source"] = {}
    del manifest["sha256"]
    text = json.dumps(manifest)[:-1]
    (target / "dataset.json").write_text(text + f', "sha256": "{hashlib.sha256(text.encode()).hexdigest()}"}}')


def test_without_truth_the_rest_is_reported(world, tmp_path):
    without_truth(world / "data", tmp_path / "plain")
    done = run("evaluate", "--run", world / "dual", "--data", tmp_path / "plain", "--out", tmp_path / "report",
               "--python", NOT_THERE)
    assert done.code == 0, done.error
    assert "theta_0 is left out" in done.output
    numbers = json.loads((tmp_path / "report/report.json").read_text())
    assert "regression" not in numbers and "swap_mse" not in numbers and "theta_0" not in numbers["probes"]
    assert "z_star" in numbers["probes"]["instrument"] and "reconstruction_mse" in numbers


def test_mistakes(world, tmp_path):
    dual = ("--run", world / "dual", "--out", tmp_path / "report")
    succeed("simulate", world / "small.yaml", "--out", tmp_path / "other", "--set", "simulation.seed=9")
    succeed("train", world / "small.yaml", "--run", tmp_path / "split", "--set", "data.split_seed=2",
            "--set", f"data.path={world / 'data'}", "--set", "train.steps=1")
    (tmp_path / "taken").mkdir()
    constant = tmp_path / "constant.csv"
    constant.write_text("star_id,label\n" + "".join(f"{star},1\n" for star in range(150)))

    assert_ends(evaluate(world, *dual, "--counts", "10,5000"), 2, "5000")
    assert_ends(evaluate(world, *dual, "--baseline", tmp_path / "split"), 2, "split", "data.split_seed 1 and 2")
    assert_ends(evaluate(world, *dual, "--embeddings", world / "single.h5"), 2, "single.h5", "embed again")
    assert_ends(evaluate(world, "--run", world / "dual", "--out", tmp_path / "taken"), 2, "taken exists")
    assert_ends(evaluate(world, "--run", world / "nothing", "--out", tmp_path / "report"), 2, "nothing")
    assert_ends(evaluate(world, *dual, "--labels", constant, "--target", "label"), 2, "constant.csv", "the same for all")
    assert_ends(evaluate(world, *dual, "--labels", constant, "--target", "mass"), 2, "no column mass")
    assert_ends(run("evaluate", *dual, "--data", tmp_path / "other"), 2, "identity")
    assert_ends(run("evaluate", *dual, "--data", tmp_path / "missing"), 3, "missing")
    assert_ends(run("embed", "--run", world / "dual", "--data", world / "data", "--out", "/proc/no/such/file"), 6, "/proc")
    assert_ends(evaluate(world, *dual, ranks=2), 2, "one rank")
    assert not (tmp_path / "report").exists()
