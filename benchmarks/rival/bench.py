"""One batch, the rival's model, losses and optimizer, as a file of `benchmark_training_step dump` describes them."""
from dataclasses import dataclass

import h5py
import torch
import yaml

from losses import Objective
from model import CausalModel, learnable, load

PRECISIONS = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.float32}


@dataclass
class Dump:
    """The content of the file: the configuration and tensors by name, such as `flux` and `parameter/...`."""

    settings: dict
    scale: dict
    tensors: dict

    def group(self, name):
        prefix = name + "/"
        return {key.removeprefix(prefix): value for key, value in self.tensors.items() if key.startswith(prefix)}


def read_dump(file):
    tensors = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset):
            tensors[name] = torch.from_numpy(item[()]) if item.shape else torch.tensor(item[()])

    with h5py.File(file) as opened:
        opened.visititems(keep)
        attributes = dict(opened.attrs)
    configuration = attributes["configuration"]
    settings = yaml.safe_load(configuration.decode() if isinstance(configuration, bytes) else configuration)
    scale = {"length": tensors["flux"].shape[1], "span": float(attributes["span"]),
             "median_cadence": float(attributes["median_cadence"])}
    return Dump(settings, scale, tensors)


class Bench:
    """`compiled`: through torch.compile. `precision`: by default the dump's; bfloat16 is autocast."""

    def __init__(self, dump, precision=None, compiled=False):
        settings = dump.settings
        self.precision = precision or settings["train"]["precision"]
        dtype = PRECISIONS[self.precision]
        self.flux, self.time = dump.tensors["flux"].to(dtype), dump.tensors["time"]
        self.mask = dump.tensors["mask"].bool() if "mask" in dump.tensors else None
        self.objective = Objective(settings["loss"], dump.tensors["star_id"], dump.tensors["instrument_id"],
                                   dump.tensors["role"])
        self.model = CausalModel(settings["model"], dump.scale).to(dtype)
        load(self.model, dump.group("parameter"), settings["model"]["block"])
        self.network = torch.compile(self.model) if compiled else self.model
        self.encode = torch.compile(self.model.encode) if compiled else self.model.encode
        self.optimizer = torch.optim.Adam(learnable(self.model).values(), settings["train"]["learning_rate"], fused=True)

    def autocast(self):
        return torch.autocast("cpu", torch.bfloat16, enabled=self.precision == "bfloat16")

    def backward(self):
        """Leaves gradients in the parameters; returns what was computed on the way."""
        self.optimizer.zero_grad(set_to_none=True)
        with self.autocast():
            latents, projections, reconstructed = self.network(self.flux, self.time, self.mask)
        total, parts = self.objective(projections, reconstructed, self.flux, self.mask)
        total.backward()
        return latents, projections, reconstructed, total, parts

    def train(self):
        self.backward()
        self.optimizer.step()

    @torch.no_grad()
    def embed(self):
        self.model.eval()
        with self.autocast():
            self.encode(self.flux, self.time, self.mask)
