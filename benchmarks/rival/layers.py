"""The networks of causalfm (src/model) as a PyTorch programmer would write them for speed."""
import functools
import math

import torch
from torch import nn
from torch.nn import functional


class Perceptron(nn.Module):
    """Linear layers with SiLU between them."""

    def __init__(self, *sizes):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in zip(sizes, sizes[1:]))

    def forward(self, state):
        for layer in self.layers[:-1]:
            state = functional.silu(layer(state))
        return self.layers[-1](state)


class Attention(nn.Module):
    """Scores and mixture in float32 under autocast too: in bfloat16 PyTorch's kernel takes ten times as long backward."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, state, mask):
        batch, time, width = state.shape
        projected = self.query_key_value(state).to(state.dtype).view(batch, time, 3, self.heads, width // self.heads)
        query, key, value = projected.permute(2, 0, 3, 1, 4).unbind(0)
        seen = None if mask is None else mask[:, None, None, :]
        with torch.autocast("cpu", enabled=False):
            mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        return self.output(mixed.transpose(1, 2).reshape(batch, time, width))


@functools.cache
def has_lstm_in_bfloat16():
    """oneDNN has none for processors without AVX-512."""
    try:
        with torch.autocast("cpu", torch.bfloat16):
            nn.LSTM(16, 16)(torch.zeros(1, 1, 16))
        return True
    except RuntimeError:
        return False


class Lstm(nn.Module):
    """Under autocast in float32 where there is no other."""

    def __init__(self, width):
        super().__init__()
        self.lstm = nn.LSTM(width, width, batch_first=True)
        self.lstm.bias_hh_l0.requires_grad_(False).zero_()  # ours has one bias
        self.follows_autocast = has_lstm_in_bfloat16()

    def forward(self, state, mask):
        state = zero_masked(state, mask)
        if self.follows_autocast or not torch.is_autocast_enabled("cpu"):
            return self.lstm(state)[0]
        with torch.autocast("cpu", enabled=False):
            return self.lstm(state.float())[0]


class Convolution(nn.Module):
    """The Conformer's module, with Linear for its pointwise convolutions. As nn.Conv1d, or with time along the rows of
    an image, the depthwise convolution and its gradients take 5 to 12 times as long as along the columns of one whose
    channels come last in memory, which the states are as they stand."""

    def __init__(self, width, kernel):
        super().__init__()
        self.expand = nn.Linear(width, 2 * width)
        self.depthwise = nn.Conv2d(width, width, (kernel, 1), padding=(kernel // 2, 0), groups=width)
        self.norm = nn.LayerNorm(width)
        self.contract = nn.Linear(width, width)

    def forward(self, state, mask):
        gated = zero_masked(functional.glu(self.expand(state), -1), mask)
        convolved = self.depthwise(gated.transpose(1, 2).unsqueeze(3)).squeeze(3).transpose(1, 2)
        return self.contract(functional.silu(self.norm(convolved)))


class FeedForward(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.perceptron = Perceptron(width, hidden, width)

    def forward(self, state, mask):
        return self.perceptron(state)


def make_sublayer(kind, settings):
    width = settings["width"]
    if kind == "attention":
        return Attention(width, settings["heads"])
    if kind == "lstm":
        return Lstm(width)
    if kind == "convolution":
        return Convolution(width, settings["kernel"])
    return FeedForward(width, settings["feed_forward"])


class Residual(nn.Module):
    """Pre-norm, sublayer, dropout. A module of its own, for torch.compile gives up the loop over sublayers, which the
    LSTM interrupts."""

    def __init__(self, kind, settings):
        super().__init__()
        self.norm = nn.LayerNorm(settings["width"])
        self.sublayer = make_sublayer(kind, settings)
        self.dropout = nn.Dropout(settings["dropout"])

    def forward(self, state, mask):
        return state + self.dropout(self.sublayer(self.norm(state), mask))


class Block(nn.Module):
    def __init__(self, settings):
        super().__init__()
        self.residuals = nn.ModuleList(Residual(kind, settings) for kind in settings["block"])
        self.norm = nn.LayerNorm(settings["width"])

    def forward(self, state, mask):
        for residual in self.residuals:
            state = residual(state, mask)
        return self.norm(state)


class Conformer(nn.Module):
    def __init__(self, settings, latent):
        super().__init__()
        self.embed = nn.Linear(1, settings["width"])
        self.blocks = nn.ModuleList(Block(settings) for _ in range(settings["blocks"]))
        self.latent = nn.Linear(settings["width"], latent)

    def forward(self, flux, time_encoding, mask):
        state = zero_masked(self.embed(flux.unsqueeze(-1)) + time_encoding, mask)
        for block in self.blocks:
            state = block(state, mask)
        return self.latent(mean_observed(state, mask))


class MlpEncoder(nn.Module):
    def __init__(self, settings, latent, length):
        super().__init__()
        self.perceptron = Perceptron(length, 4 * settings["width"], 4 * settings["width"], latent)

    def forward(self, flux, time_encoding, mask):
        return self.perceptron(flux)


class TimeEncoding(nn.Module):
    """Sines and cosines of times, log-spaced from one turn in the longest curve to Nyquist."""

    def __init__(self, width, span, median_cadence):
        super().__init__()
        slowest, fastest = math.log(2 * math.pi / span), math.log(math.pi / median_cadence)
        frequencies = torch.linspace(slowest, fastest, width // 2, dtype=torch.float64).exp()
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, time, dtype):
        angle = time.double().unsqueeze(-1) * self.frequencies
        angle = (angle - torch.round(angle / (2 * math.pi)) * (2 * math.pi)).to(dtype)
        return torch.cat([angle.sin(), angle.cos()], -1)


def zero_masked(state, mask):
    return state if mask is None else state * mask.unsqueeze(-1)


def mean_observed(state, mask):
    if mask is None:
        return state.mean(1)
    observed = mask.to(state.dtype)
    weights = observed / observed.sum(1, keepdim=True).clamp_min(1)
    return torch.bmm(weights.unsqueeze(1), state).squeeze(1)
