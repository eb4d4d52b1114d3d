"""What is measured: every combination has a name, such as 1-core/b32/t100/dropout0.1/dual/conformer/float32/train."""
import fnmatch
import itertools
from dataclasses import dataclass

PLACES = ("1-core", "2-threads", "2-ranks")
WORKS = ("train", "embed")
# One row or two for every question that the table is to answer; --cases asks for others.
DEFAULT = (
    "1-core/b32/t100/dropout*/dual/conformer/*/train",
    "1-core/b256/t100/dropout0.1/dual/conformer/*/train",
    "1-core/b8/t1337/dropout0.1/dual/conformer/*/train",
    "1-core/b32/t100/dropout0.1/single/conformer/float32/train",
    "1-core/b*/t100/dropout0/dual/mlp/float32/train",
    "1-core/b32/t100/dropout0/dual/conformer/*/embed",
    "1-core/b8/t1337/dropout0/dual/conformer/*/embed",
    "2-threads/b32/t100/dropout0.1/dual/conformer/*/train",
    "2-ranks/b32/t100/dropout0.1/dual/conformer/*/train",
)


@dataclass(frozen=True)
class Case:
    place: str
    triplets: int
    length: int  # 1337, a 30-minute TESS sector, has some 10 % masked
    dropout: float
    latents: str
    encoder: str
    precision: str
    work: str

    @property
    def name(self):
        return "/".join((self.place, f"b{self.triplets}", f"t{self.length}", f"dropout{self.dropout:g}", self.latents,
                         self.encoder, self.precision, self.work))

    @property
    def ranks(self):
        return 2 if self.place == "2-ranks" else 1

    @property
    def threads(self):
        return 2 if self.place == "2-threads" else 1

    @property
    def cores(self):
        return self.ranks * self.threads

    @property
    def is_masked(self):
        return self.length == 1337

    def settings(self):
        """Of causalfm, as far as they differ from the defaults, which are the paper's model."""
        settings = {
            "train.batch_triplets": self.triplets, "simulation.length": self.length, "model.dropout": self.dropout,
            "model.latents": self.latents, "model.encoder": self.encoder, "train.precision": self.precision,
            "runtime.threads": self.threads,
            "comm.deadline_seconds": 3600,  # ranks are silent while someone else has a turn
        }
        if self.latents == "single":
            settings |= {"data.sampler": "pair", "loss.instrument": 0}
        return settings


def is_sensible(case):
    """An MLP and an embedding have no dropout. The rival takes 0.5 GB a triplet to train a Conformer at T = 1337, so
    that a batch of 256 fits nowhere; one of 8, for machines with little memory, is of use there alone."""
    if case.dropout and (case.encoder == "mlp" or case.work == "embed"):
        return False
    is_large = case.encoder == "conformer" and case.is_masked
    return case.triplets != (256 if is_large else 8)


def all_cases():
    choices = (PLACES, (8, 32, 256), (100, 1337), (0.0, 0.1), ("dual", "single"), ("conformer", "mlp"),
               ("float32", "bfloat16"), WORKS)
    return [case for values in itertools.product(*choices) if is_sensible(case := Case(*values))]


def choose(patterns):
    """The cases whose names match a pattern, in the order of the patterns."""
    chosen = {}
    for pattern in patterns:
        matching = [case for case in all_cases() if fnmatch.fnmatchcase(case.name, pattern)]
        if not matching:
            raise SystemExit(f"--cases {pattern}: no case has such a name; --list prints them")
        chosen |= {case.name: case for case in matching}
    return list(chosen.values())
