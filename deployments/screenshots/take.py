"""Take the README's pictures from the real thing: `python deployments/screenshots/take.py`, with `gauntlet up` and runs in it.

Needs chromium. Each page is opened as a person would open it, and photographed when it has settled.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).parent
SIZE, SETTLE_MS = (1400, 900), 12_000
COLOURS = 128  # enough for a user interface, and a tenth of the bytes


def photograph(url: str, name: str, height: int = SIZE[1]) -> Path:
    """The page as PNG beside this file.

    Raises:
        RuntimeError: chromium is not installed, or took no picture.
    """
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise RuntimeError("chromium is not installed")
    with tempfile.TemporaryDirectory() as scratch:
        shot = Path(scratch) / "shot.png"
        command = [
            browser, "--headless=new", "--no-sandbox", "--hide-scrollbars", f"--window-size={SIZE[0]},{height}",
            f"--user-data-dir={scratch}/profile", f"--virtual-time-budget={SETTLE_MS}", f"--screenshot={shot}", url,
        ]  # fmt: skip
        subprocess.run(command, check=False, capture_output=True, timeout=120)
        if not shot.exists():
            raise RuntimeError(f"no picture of {url}")
        picture = Image.open(io.BytesIO(shot.read_bytes())).convert("RGB").quantize(COLOURS)
    file = FOLDER / f"{name}.png"
    picture.save(file, optimize=True)
    return file


def main() -> None:
    """All pages, by what the servers have."""
    from tasks.connection import local_address
    from tasks.settings import settings

    prefect = local_address(settings(), "prefect")
    pages = {
        "prefect-deployments": (f"{prefect}/deployments", 1000),
        "prefect-artifacts": (f"{prefect}/artifacts", 560),
    }
    for name, (url, height) in pages.items():
        print(photograph(url, name, height))


if __name__ == "__main__":
    sys.exit(main())
