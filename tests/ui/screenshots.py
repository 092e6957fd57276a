"""Takes the pictures of the page for the README: python -m tests.ui.screenshots FOLDER.

It serves the page with the shipped models, compares them on the sample and photographs every tab.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import FloatRect, Page, sync_playwright

from ui.server import Address, serve

_PATIENCE_MS = 1_800_000
_JPEG_QUALITY = 78


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", type=Path, help="models that are not the shipped ones")
    parser.add_argument("--background", default="evening")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--dark", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    models = {} if options.weights is None else {"weights": options.weights}
    with serve(Address(), **models) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(
            viewport={"width": 1280, "height": 900},
            color_scheme="dark" if options.dark else "light",
        )
        page.set_default_timeout(_PATIENCE_MS)
        page.goto(url)
        compare(page, background=options.background, size=options.size)
        photograph_result(page, options.folder / "compare.jpg")
        for name in ("compare", "convert", "live", "compression"):
            page.get_by_role("tab", name=name.capitalize()).click()
            page.wait_for_timeout(1000)
            photograph(page, options.folder / f"tab-{name}.jpg")
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
    page.wait_for_timeout(3000)
    page.mouse.move(0, 0)


def photograph(page: Page, path: Path) -> None:
    """Save the whole page as JPEG."""
    save(path, page.screenshot(full_page=True, type="jpeg", quality=_JPEG_QUALITY))


def photograph_result(page: Page, path: Path) -> None:
    """Save the result as JPEG, down to the first lines of its table."""
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
