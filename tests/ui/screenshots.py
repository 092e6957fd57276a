"""Photographs the page with the shipped models.

python -m tests.ui.screenshots            takes the picture of the README, ui/assets/compare.jpg
python -m tests.ui.screenshots FOLDER     takes every tab, light and dark, on a desktop and a phone
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import FloatRect, Page, sync_playwright

from stream.inference.model_setup import FILE_SIZE
from tests.ui.chromium import launch
from ui.server import Address, serve

README_PICTURE = Path(__file__).resolve().parents[2] / "ui" / "assets" / "compare.jpg"
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
TABS = ("Compare", "Convert", "Live", "Compression")

_PATIENCE_MS = 3_600_000
_JPEG_QUALITY = 80


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--weights", type=Path, help="models that are not the shipped ones")
    parser.add_argument("--background", default="evening")
    parser.add_argument("--size", type=int, default=FILE_SIZE)
    options = parser.parse_args()
    models = {} if options.weights is None else {"weights": options.weights}
    with (
        tempfile.TemporaryDirectory() as folder,
        serve(Address(), **models) as url,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright, Path(folder))
        page = browser.new_page(viewport=DESKTOP, permissions=["camera"])
        page.set_default_timeout(_PATIENCE_MS)
        page.goto(url)
        compare(page, background=options.background, size=options.size)
        if options.folder is None:
            photograph_result(page, README_PICTURE)
        else:
            options.folder.mkdir(parents=True, exist_ok=True)
            photograph_tabs(page, options.folder)
        browser.close()


def compare(page: Page, *, background: str, size: int) -> None:
    """Compare the two models, and wait for everything that there is to see."""
    page.wait_for_selector("#compare-clip video")
    page.locator(f'#compare-background label:has(input[value="{background}"])').click()
    fold = page.locator("#compare-details button").first
    fold.click()
    page.locator(f'#compare-details label:has(input[value="{size}"])').click()
    fold.click()
    page.locator("#run-compare").click()
    page.wait_for_selector("#clip-heat video")
    page.wait_for_selector("#slider img")
    page.wait_for_function(
        "() => [...document.querySelectorAll('#results video')].every((v) => v.readyState >= 2)"
        " && [...document.querySelectorAll('#slider img')].every((i) => i.naturalWidth > 0)"
    )
    page.mouse.move(0, 0)


def photograph_tabs(page: Page, folder: Path) -> None:
    """Save every tab as PNG, in every look."""
    for tab in TABS:
        page.get_by_role("tab", name=tab).click()
        if tab == "Live":
            page.locator("#camera button", has_text="Access Webcam").click()
            page.locator("#camera .button-wrap button").click()
            page.wait_for_selector("#live img[src^=data]")
        for device, viewport in (("desktop", DESKTOP), ("phone", PHONE)):
            page.set_viewport_size(viewport)  # type: ignore[arg-type]
            for theme in ("light", "dark"):
                page.evaluate(f"document.body.classList.toggle('dark', {theme == 'dark':d})")
                page.wait_for_timeout(500)  # for transitions
                path = folder / f"{tab.lower()}-{device}-{theme}.png"
                save(path, page.screenshot(full_page=True))
        page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]


def photograph_result(page: Page, path: Path) -> None:
    """Save the result as JPEG, down to the first lines of its table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    top = page.locator("#results").bounding_box()
    last = page.locator("#results tbody tr").nth(2).bounding_box()
    assert top is not None
    assert last is not None
    border = 24.0
    area: FloatRect = {
        "x": top["x"] - border,
        "y": top["y"] - border,
        "width": top["width"] + 2 * border,
        "height": last["y"] + last["height"] - top["y"] + border,
    }
    save(path, page.screenshot(full_page=True, clip=area, type="jpeg", quality=_JPEG_QUALITY))


def save(path: Path, picture: bytes) -> None:
    """Write a picture and say how large it is."""
    path.write_bytes(picture)
    print(f"{path}: {len(picture) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
