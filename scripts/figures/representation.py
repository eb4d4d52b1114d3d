"""What the report calls a representation (raw, fft, z_star, NAME/untrained, …): its run, its place, how it is drawn."""

from dataclasses import dataclass

import style

REFERENCES = ("raw", "fft")  # what needs no run
ORDER = ("z_star", "z_instr", "z_observation", "z", "untrained")
WORDS = {"raw": "raw curve", "fft": "Fourier amplitudes", "baseline": "baseline", "untrained": "untrained"}
SYMBOLS = {"z_star": r"$z_\mathrm{star}$", "z_instr": r"$z_\mathrm{instr}$", "z_observation": r"$z_\mathrm{obs}$"}
LINES = {"z_star": "-", "baseline": "-", "z": "-", "z_instr": "--", "z_observation": "-.", "untrained": ":"}


@dataclass(frozen=True)
class Representation:
    """One representation of the report."""

    key: str  # as in report.json
    run: str | None  # the run whose network made it
    kind: str  # raw, fft, untrained, baseline, z_star, z_instr, …
    place: int  # of its run on the command line; -1 for what needs no run

    @property
    def label(self) -> str:
        """For a legend under its run's name."""
        return SYMBOLS.get(self.kind, WORDS.get(self.kind, style.plain(self.kind)))

    @property
    def text(self) -> str:
        """In words, for tables and sentences; not escaped."""
        if self.run is None or self.kind == "baseline":
            return WORDS.get(self.kind, self.kind)
        return f"{self.run}: {WORDS.get(self.kind, self.kind)}"

    @property
    def look(self) -> dict:
        """Colour for the run, line and marker's face for the latent."""
        if self.run is None:
            black = self.kind == "raw"
            return {
                "color": "#000000" if black else "#777777",
                "linestyle": (0, (4, 1.5)) if black else (0, (4, 1.5, 1, 1.5)),
                "marker": "x" if black else "+",
            }
        colour = style.colour(self.place)
        filled = self.kind in ("z_star", "baseline", "z")
        return {
            "color": colour,
            "linestyle": LINES.get(self.kind, "-."),
            "marker": style.marker(self.place),
            "markerfacecolor": colour if filled else "white",
        }


def represent(key: str, runs: dict[str, dict]) -> Representation:
    """The representation that `key` names; keys without a slash belong to the first run, `baseline` to the baseline."""
    if key in REFERENCES:
        return Representation(key, None, key, -1)
    names = list(runs)
    prefix, _, kind = key.rpartition("/")
    run = names[0]
    for name in names:
        described = runs[name]
        if key == "baseline" and described.get("role") == "baseline":
            run = name
        elif prefix and described.get("prefix", "").rstrip("/") == prefix:
            run = name
    return Representation(key, run, kind, names.index(run))


def representations(keys, runs: dict[str, dict]) -> list[Representation]:
    """In one order everywhere: what needs no run, then run by run, z_star before z_instr before untrained."""
    found = [represent(key, runs) for key in keys if key != "chance"]

    def place(item: Representation) -> tuple:
        if item.run is None:
            return (-1, REFERENCES.index(item.kind))
        return (item.place, ORDER.index(item.kind) if item.kind in ORDER else len(ORDER))

    return sorted(found, key=place)


def target_symbol(target: str) -> str:
    return r"$\theta_0$" if target == "theta_0" else style.plain(target)
