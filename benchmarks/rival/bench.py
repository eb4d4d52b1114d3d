"""One batch, the rival's model, losses and optimizer, as a file of `benchmark_training_step dump` describes them."""
from dataclasses import dataclass

import h5py
import torch
import torch._inductor.config
import yaml
from torch import distributed
from torch.distributed.nn.functional import all_gather
from torch.nn.parallel import DistributedDataParallel

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


def rows_of_rank(dump):
    """This rank's triplets, or pairs, as a slice of the batch: all of them in a process alone."""
    rank, ranks = (distributed.get_rank(), distributed.get_world_size()) if distributed.is_initialized() else (0, 1)
    if dump.settings["train"]["batch_triplets"] % ranks:
        raise SystemExit(f"{ranks} ranks cannot share the triplets evenly")
    rows = len(dump.tensors["role"]) // ranks
    return slice(rank * rows, (rank + 1) * rows)


class Bench:
    """`compiled`: through torch.compile. `precision`: by default the dump's; bfloat16 is autocast. A rank of a job of
    torch.distributed, if there is one."""

    def __init__(self, dump, precision=None, compiled=False):
        settings = dump.settings
        self.precision = precision or settings["train"]["precision"]
        self.ranks = distributed.get_world_size() if distributed.is_initialized() else 1
        dtype, rows = PRECISIONS[self.precision], rows_of_rank(dump)
        self.flux, self.time = dump.tensors["flux"][rows].to(dtype), dump.tensors["time"]
        self.mask = dump.tensors["mask"][rows].bool() if "mask" in dump.tensors else None
        identities = (dump.tensors[name] for name in ("star_id", "instrument_id", "role"))
        self.objective = Objective(settings["loss"], *identities, rows, self.gather)
        self.model = CausalModel(settings["model"], dump.scale).to(dtype)
        load(self.model, dump.group("parameter"), settings["model"]["block"])
        self.network, self.encode = self.model, self.model.encode
        if compiled:
            # Inductor's own random numbers, one at a time, are slower than ATen's.
            torch._inductor.config.fallback_random = True
            self.network, self.encode = torch.compile(self.network), torch.compile(self.encode)
        if self.ranks > 1:
            self.network = DistributedDataParallel(self.network, gradient_as_bucket_view=True)
        self.optimizer = torch.optim.Adam(learnable(self.model).values(), settings["train"]["learning_rate"], fused=True)

    def gather(self, rows):
        return torch.cat(all_gather(rows)) if self.ranks > 1 else rows

    def autocast(self):
        return torch.autocast("cpu", torch.bfloat16, enabled=self.precision == "bfloat16")

    def backward(self):
        """Leaves gradients in the parameters; returns what was computed on the way, of this rank."""
        self.optimizer.zero_grad(set_to_none=True)
        with self.autocast():
            latents, projections, reconstructed = self.network(self.flux, self.time, self.mask)
        total, parts = self.objective(projections, reconstructed, self.flux, self.mask)
        (self.ranks * total).backward()  # DistributedDataParallel divides by the number of ranks
        return latents, projections, reconstructed, total, parts

    def train(self):
        self.backward()
        self.optimizer.step()

    @torch.no_grad()
    def embed(self):
        self.model.eval()
        with self.autocast():
            self.encode(self.flux, self.time, self.mask)
