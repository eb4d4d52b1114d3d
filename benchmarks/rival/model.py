"""The causal model, dual or single, and its parameters under the names that causalfm gives them."""
import re

import torch
from torch import nn

from layers import Conformer, MlpEncoder, Perceptron, TimeEncoding


class CausalModel(nn.Module):
    """`settings`: section `model` of the configuration. `scale`: length, span and median_cadence of the curves."""

    def __init__(self, settings, scale):
        super().__init__()
        width, latent, length = settings["width"], settings["latent"], scale["length"]
        self.is_conformer = settings["encoder"] == "conformer"
        if self.is_conformer:
            self.time_encoding = TimeEncoding(width, scale["span"], scale["median_cadence"])
        make_encoder = lambda: Conformer(settings, latent) if self.is_conformer else MlpEncoder(settings, latent, length)
        spaces = ("star", "instrument") if settings["latents"] == "dual" else ("star",)
        self.encoders = nn.ModuleDict({space: make_encoder() for space in spaces})
        self.projections = nn.ModuleDict({space: Perceptron(latent, width, width) for space in spaces})
        self.gates = nn.ModuleDict({space: Perceptron(latent, width, width) for space in spaces})
        self.decoder = Perceptron(width, 2 * width, 4 * width, length)

    def encode(self, flux, time, mask):
        """The latents by space; `flux` is zero where masked."""
        encoding = self.time_encoding(time, flux.dtype) if self.is_conformer else None
        return {space: encoder(flux, encoding, mask) for space, encoder in self.encoders.items()}

    def forward(self, flux, time, mask=None):
        """Latents, projections by space, and the reconstructed flux."""
        latents = self.encode(flux, time, mask)
        projections = {space: head(latents[space]) for space, head in self.projections.items()}
        gated = 1
        for space, gate in self.gates.items():
            gated = gated * gate(latents[space])
        return latents, projections, self.decoder(gated)


OURS_TO_RIVALS = (
    (r"^encoder_(\w+?)/", r"encoders.\1."),
    (r"^projection_(\w+?)/", r"projections.\1."),
    (r"^decoder/gate_(\w+?)/", r"gates.\1."),
    (r"^decoder/", "decoder."),
    (r"^(encoders\.\w+)\.layer", r"\1.perceptron.layer"),
    (r"\bblock(\d+)/", r"blocks.\1."),
    (r"feed_forward/layer", "feed_forward/perceptron/layer"),
    (r"\blayer(\d+)", r"layers.\1"),
    (r"lstm/input/weight", "lstm/lstm/weight_ih_l0"),
    (r"lstm/hidden/weight", "lstm/lstm/weight_hh_l0"),
    (r"lstm/bias", "lstm/lstm/bias_ih_l0"),
    (r"/", "."),
)


def rival_name(name, kinds):
    """Of a parameter of ours that is one of the rival's as it stands. `kinds`: the sublayers of a block."""
    for pattern, replacement in OURS_TO_RIVALS:
        name = re.sub(pattern, replacement, name)
    for index, kind in enumerate(kinds):
        name = name.replace(f".{kind}.pre_norm.", f".residuals.{index}.norm.")
        name = re.sub(rf"(blocks\.\d+)\.{kind}\.", rf"\1.residuals.{index}.sublayer.", name)
    return name


def to_rival(ours, kinds):
    """Parameters, or gradients, by the rival's names. Ours has no key bias, and time is the first axis of its kernels."""
    rivals = {}
    for name, value in ours.items():
        if name.endswith("attention/query/bias"):
            stem = name.removesuffix("query/bias")
            bias = torch.cat([value, torch.zeros_like(value), ours[stem + "value/bias"]])
            rivals[rival_name(stem + "query_key_value/bias", kinds)] = bias
        elif name.endswith("depthwise/weight"):
            rivals[rival_name(name, kinds)] = value.t()[:, None, :, None]
        elif not name.endswith("attention/value/bias"):
            rivals[rival_name(name, kinds)] = value
    return rivals


def learnable(model):
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


@torch.no_grad()
def load(model, ours, kinds):
    """Copies every parameter of ours, by name, into the rival's."""
    parameters = learnable(model)
    values = to_rival(ours, kinds)
    if parameters.keys() != values.keys():
        raise SystemExit(f"parameters differ: {sorted(parameters.keys() ^ values.keys())}")
    for name, parameter in parameters.items():
        parameter.copy_(values[name].reshape(parameter.shape))
