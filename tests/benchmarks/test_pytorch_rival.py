"""The PyTorch rival computes what causalfm computes: outputs, losses and gradients of a step without dropout."""
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(os.environ["CAUSALFM_SOURCE"], "benchmarks", "rival")))
from bench import Bench, read_dump  # noqa: E402
from model import learnable, to_rival  # noqa: E402

PROGRAM = os.environ["CAUSALFM_TRAINING_STEP"]
SMALL = {"model.width": 16, "model.heads": 2, "model.feed_forward": 24, "model.blocks": 2, "model.kernel": 5,
         "model.latent": 6, "model.dropout": 0, "simulation.length": 40, "simulation.instruments": 4,
         "train.batch_triplets": 9, "runtime.threads": 1}
SINGLE = {"model.latents": "single", "data.sampler": "pair", "loss.instrument": 0}
CASES = {
    "conformer": [{}],
    "conformer-masked": [{}, "--masked"],
    "conformer-single": [SINGLE],
    "mlp": [{"model.encoder": "mlp"}],
    "mlp-masked-single": [{"model.encoder": "mlp", **SINGLE}, "--masked"],
    "all-anchors-masked": [{"loss.anchors": "all"}, "--masked"],
}
TOLERANCE = {"float32": 1e-5, "float64": 1e-11}


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


@pytest.fixture(params=TOLERANCE)
def precision(request):
    return request.param


def write_dump(file, changes, options):
    overrides = [word for key, value in (SMALL | changes).items() for word in ("--set", f"{key}={value}")]
    subprocess.run([PROGRAM, "dump", str(file), *overrides, *options], check=True)


@pytest.fixture
def dump(case, precision, tmp_path):
    changes, *options = case
    write_dump(tmp_path / "step.h5", changes | {"train.precision": precision}, options)
    return read_dump(tmp_path / "step.h5")


def difference(rivals, ours):
    """Relative, of all tensors together."""
    assert rivals.keys() == ours.keys()
    apart = sum((rivals[name].double() - ours[name].double()).square().sum() for name in ours).sqrt()
    return (apart / sum(value.double().square().sum() for value in ours.values()).sqrt()).item()


def our_gradients(dump):
    return to_rival(dump.group("gradient"), dump.settings["model"]["block"])


def gradients_of(bench):
    """Without those of key biases, which ours does without: they are zero but for rounding."""
    gradients = {name: parameter.grad.clone() for name, parameter in learnable(bench.model).items()}
    for name, gradient in gradients.items():
        if name.endswith("query_key_value.bias"):
            width = len(gradient) // 3
            gradient[width:2 * width] = 0
    return gradients


def test_step(dump, precision):
    torch.set_num_threads(1)
    bench = Bench(dump)
    latents, projections, reconstructed, total, parts = bench.backward()
    shared = {"star": "star", "instrument": "instr"}
    outputs = {f"z_{shared[space]}": value for space, value in latents.items()}
    outputs |= {f"projection_{shared[space]}": value for space, value in projections.items()}
    outputs["reconstructed"] = reconstructed
    tolerance = TOLERANCE[precision]
    assert difference(outputs, {name: dump.tensors[name] for name in outputs}) < tolerance

    losses = {"total": total, **parts}
    for name, loss in dump.group("loss").items():
        assert losses.get(name, torch.zeros(())).item() == pytest.approx(loss.item(), rel=tolerance), name

    assert difference(gradients_of(bench), our_gradients(dump)) < tolerance


@pytest.mark.parametrize("ours", ("float32", "bfloat16"))
def test_bfloat16_is_near(tmp_path, ours):
    """Within what rounding to 8 bits, the rival's projections included, makes of gradients of contrasts: some 3 %."""
    write_dump(tmp_path / "step.h5", {"train.precision": ours}, ["--masked"])
    dump = read_dump(tmp_path / "step.h5")
    bench = Bench(dump, precision="bfloat16")
    bench.backward()
    assert difference(gradients_of(bench), our_gradients(dump)) < 0.1


def rank_of_two(rank, file, port):
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", f"tcp://127.0.0.1:{port}", world_size=2, rank=rank)
    bench = Bench(read_dump(file))
    bench.backward()
    torch.save(gradients_of(bench), f"{file}.rank{rank}")
    torch.distributed.destroy_process_group()


def test_two_ranks_have_the_gradient_of_one(tmp_path):
    file = tmp_path / "step.h5"
    write_dump(file, {"train.precision": "float64", "train.batch_triplets": 10}, ["--masked"])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    torch.multiprocessing.spawn(rank_of_two, (str(file), port), nprocs=2)
    for rank in range(2):
        assert difference(torch.load(f"{file}.rank{rank}"), our_gradients(read_dump(file))) < TOLERANCE["float64"]
