"""The objective of causalfm (src/loss), written with whole matrices: batches of a benchmark are small."""
import torch
from torch.nn import functional


def contrast(same, other, anchors):
    """Which keys are positive and which negative for each anchor: [anchors, keys] bool each."""
    is_same = same[anchors, None] == same
    return is_same & (other[anchors, None] != other), ~is_same


def info_nce(projection, positive, negative, anchors, temperature):
    """Multi-positive InfoNCE, softplus(lse_negatives - lse_positives), over the anchors that have a positive."""
    unit = functional.normalize(projection, dim=1)
    logits = unit[anchors] @ unit.t() / temperature
    lse_positives = logits.masked_fill(~positive, -torch.inf).logsumexp(1)
    lse_negatives = logits.masked_fill(~negative, -torch.inf).logsumexp(1)
    return functional.softplus(lse_negatives - lse_positives).mean()


def reconstruction_error(reconstructed, flux, mask):
    """The mean over a curve's observed samples, then over curves."""
    squares = (reconstructed - flux).square()
    if mask is None:
        return squares.mean()
    return ((squares * mask).sum(1) / mask.sum(1)).mean()


class Objective:
    """`settings`: section `loss` of the configuration. Who is positive for whom is found once."""

    def __init__(self, settings, star_id, instrument_id, role):
        self.settings = settings
        anchors = torch.arange(len(role)) if settings["anchors"] == "all" else torch.nonzero(role == 0).flatten()
        self.spaces = {
            "star": self.space(star_id, instrument_id, anchors, settings["temperature"]),
            "instrument": self.space(instrument_id, star_id, anchors, settings["instrument_temperature"]),
        }

    @staticmethod
    def space(same, other, anchors, temperature):
        positive, negative = contrast(same, other, anchors)
        has_positive = positive.any(1)
        return positive[has_positive], negative[has_positive], anchors[has_positive], temperature

    def __call__(self, projections, reconstructed, flux, mask):
        """The total and its parts by name."""
        parts = {"reconstruction": reconstruction_error(reconstructed.to(flux.dtype), flux, mask)}
        for space, projection in projections.items():
            # In double, as ours: projections are alike at first, and their gradients are sums that cancel.
            parts[space] = info_nce(projection.double(), *self.spaces[space])
        total = sum(self.settings[name] * part for name, part in parts.items())
        return total, parts
