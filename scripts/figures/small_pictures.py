"""Makes small copies of a report's pictures, for a README: at most 760 pixels wide, 128 colours.

usage: python scripts/figures/small_pictures.py REPORT OUT NAME...
"""

import sys
from pathlib import Path

from PIL import Image

WIDTH = 760
COLOURS = 128


def shrink(source: Path, target: Path) -> None:
    with Image.open(source) as picture:
        height = round(picture.height * WIDTH / picture.width)
        small = picture.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS)
    small.quantize(COLOURS).save(target, optimize=True)


def main() -> int:
    if len(sys.argv) < 4 or sys.argv[1].startswith("-"):
        print("usage: small_pictures.py REPORT OUT NAME...", file=sys.stderr)
        return 2
    report, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    try:
        for name in sys.argv[3:]:
            shrink(report / "figures" / f"{name}.png", out / f"{name}.png")
    except OSError as error:
        print(f"small_pictures.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
