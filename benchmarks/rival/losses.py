"""The objective of causalfm (src/loss), written with whole matrices: batches of a benchmark are small."""
import torch
from torch.nn import functional


def contrast(same, other):
    """Which keys are positive and which negative for each row: [rows, rows] bool each."""
    is_same = same[:, None] == same
    return is_same & (other[:, None] != other), ~is_same


def info_nce(unit, positive, negative, anchors, temperature):
    """Multi-positive InfoNCE, softplus(lse_negatives - lse_positives), of every anchor. `unit`: rows of norm 1."""
    logits = unit[anchors] @ unit.t() / temperature
    lse_positives = logits.masked_fill(~positive, -torch.inf).logsumexp(1)
    lse_negatives = logits.masked_fill(~negative, -torch.inf).logsumexp(1)
    return functional.softplus(lse_negatives - lse_positives)


def curve_errors(reconstructed, flux, mask):
    """The mean over each curve's observed samples."""
    squares = (reconstructed - flux).square()
    return squares.mean(1) if mask is None else (squares * mask).sum(1) / mask.sum(1)


class Objective:
    """A rank's share of the means over the global batch, of which `rows` (a slice) are its own. `settings`: section
    `loss` of the configuration. `gather`: the rows of all ranks, with gradient. Who is positive for whom is found once."""

    def __init__(self, settings, star_id, instrument_id, role, rows, gather):
        self.settings = settings
        self.gather = gather
        self.count = len(role)
        is_anchor = torch.ones_like(role, dtype=torch.bool) if settings["anchors"] == "all" else role == 0
        self.spaces = {
            "star": self.space(star_id, instrument_id, is_anchor, rows, settings["temperature"]),
            "instrument": self.space(instrument_id, star_id, is_anchor, rows, settings["instrument_temperature"]),
        }

    @staticmethod
    def space(same, other, is_anchor, rows, temperature):
        positive, negative = contrast(same, other)
        has_positive = is_anchor & positive.any(1)
        own = torch.zeros_like(has_positive)
        own[rows] = has_positive[rows]
        anchors = torch.nonzero(own).flatten()
        return (positive[anchors], negative[anchors], anchors, temperature), has_positive.sum().item()

    def __call__(self, projections, reconstructed, flux, mask):
        """The total and its parts by name."""
        parts = {"reconstruction": curve_errors(reconstructed.to(flux.dtype), flux, mask).sum() / self.count}
        for space, projection in projections.items():
            unit = self.gather(functional.normalize(projection.to(flux.dtype), dim=1))
            contrast_of_space, count = self.spaces[space]
            parts[space] = info_nce(unit, *contrast_of_space).sum() / count
        total = sum(self.settings[name] * part for name, part in parts.items())
        return total, parts
