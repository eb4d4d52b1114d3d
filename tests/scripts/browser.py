"""A headless Chromium that opens a page from disk and tells what went wrong: for tests of pages."""

import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

NAMES = ("chromium-headless-shell", "chromium", "chromium-shell", "google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr", "--v=0",
    "--virtual-time-budget=5000",
)  # fmt: skip

# Reports what a person would notice: images that do not load, text wider than the window, links into nothing.
INSPECTION = """<script>
addEventListener("load", () => {
  const images = [...document.images].map(image => [image.naturalWidth, image.naturalHeight]);
  const anchors = [...document.querySelectorAll("a")].map(link => link.getAttribute("href"));
  const lost = anchors.filter(target => !target.startsWith("#") || !document.getElementById(target.slice(1)));
  const root = document.documentElement;
  const found = {images, lost, width: root.scrollWidth, window: innerWidth, scripts: document.scripts.length,
                 background: getComputedStyle(document.body).backgroundColor, text: document.body.innerText};
  root.innerHTML = "";
  root.dataset.found = JSON.stringify(found);
});
</script>"""


@dataclass
class Opened:
    """A page as the browser saw it."""

    console: list[str]  # what it wrote to its console: errors of scripts, what its policy forbade, warnings
    found: dict  # by the inspection; empty for a page opened as it is
    dom: str


def executable() -> str:
    for name in NAMES:
        if path := shutil.which(name):
            return path
    raise FileNotFoundError("no Chromium: install the packages of launch/debian-packages.txt (launch/setup.sh does)")


def open_page(page: Path, profile: Path, width: int = 1280, dark: bool = False) -> Opened:
    """Opens a page with an empty profile, in a window of `width`; every console message is in the result."""
    command = [executable(), *FLAGS, f"--user-data-dir={profile}", f"--window-size={width},900"]
    command += ["--blink-settings=preferredColorScheme=0"] if dark else []
    done = subprocess.run(
        [*command, "--dump-dom", page.resolve().as_uri()], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    written = re.search(r'data-found="([^"]*)"', done.stdout)
    return Opened(console, json.loads(html.unescape(written[1])) if written else {}, done.stdout)


def inspected(page: Path, copy: Path, extra: str = "") -> Path:
    """A copy of a page that inspects itself, its policy against scripts taken out; `extra` goes into its body."""
    text = page.read_text(encoding="utf-8")
    text, policies = re.subn(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    assert policies == 1
    copy.write_text(text.replace("</body>", f"{extra}{INSPECTION}</body>"), encoding="utf-8")
    return copy
