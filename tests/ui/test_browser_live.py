"""The live tab as a visitor meets it, in Debian's Chromium."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from stream.compositing.fit import Fit, fitted
from stream.frame import Image
from stream.inference.model_files import WEIGHTS
from stream.matting import MattePredictor
from stream.sample import BACKGROUNDS
from stream.sources.still import read_image
from tests.ui.chromium import CAMERA_SIZE_WH, NEEDS_CHROMIUM, camera_pictures, opened, started
from tests.ui.serving import Page, served_page, wait_until

pytestmark = [pytest.mark.browser, NEEDS_CHROMIUM]

Mask = NDArray[np.bool_]

NEAR = 10.0
"""Grey levels, on average, within which two JPEGs show the same thing."""

FAR = 30.0
"""Grey levels, on average, from which on they show different things."""


def test_what_is_chosen_while_it_runs_changes_the_picture(served: Page, tmp_path: Path) -> None:
    with started(tmp_path) as browser, opened(browser, served) as tab:
        files = set(served.uploads.rglob("*.*"))
        start_camera(tab)
        for choose, name in (
            (choose_background, "city"),
            (choose_background, "studio"),
            (choose_model, "MODNet"),
            (choose_background, "blur"),
            (choose_blur, "0"),
            (choose_background, "orbit"),
        ):
            before = shown(tab)
            choose(tab, name)
            wait_for_distance(tab, before, least=NEAR)
        tab.locator("#camera").get_by_title("stop recording").click()
        assert set(served.uploads.rglob("*.*")) <= files  # no picture is left


@pytest.mark.shared
def test_a_person_is_kept_and_the_room_replaced(shared: Path, tmp_path: Path) -> None:
    clip = sorted((shared / "clips").glob("*.mkv"))[0]
    pictures = [picture[:, ::-1] for picture in camera_pictures(clip)]  # as in a mirror
    person, room = always(pictures)
    with (
        served_page(WEIGHTS, tmp_path) as page,
        started(tmp_path, clip=clip) as browser,
        opened(browser, page) as tab,
    ):
        start_camera(tab)
        for background in ("evening", "office"):
            choose_background(tab, background)
            wanted = fitted(read_image(BACKGROUNDS[background]), CAMERA_SIZE_WH, Fit.COVER)
            assert distance(pictures[0], wanted, room) > FAR
            wait_for_distance(tab, wanted, room, most=NEAR)
            assert_kept(tab, pictures, person)
        choose_model(tab, "MODNet")
        expect(tab.locator("#live-rate")).to_contain_text("MODNet ")
        assert distance(shown(tab), wanted, room) < NEAR
        assert_kept(tab, pictures, person)

        choose_background(tab, "blur")
        choose_blur(tab, "0")
        wait_for_distance(tab, pictures[0], room, most=0.6 * NEAR)
        choose_blur(tab, "1")
        wait_for_distance(tab, pictures[0], room, least=0.8 * NEAR)
        assert_kept(tab, pictures, person)
        expect(tab.locator("#live-rate")).to_contain_text("pictures per second")


def start_camera(tab: Tab) -> None:
    """Begin, and wait for the first picture."""
    tab.get_by_role("tab", name="Live").click()
    tab.locator("#camera").get_by_text("Access Webcam").click()
    tab.locator("#camera").get_by_title("start recording").click()
    tab.wait_for_selector("#live img[src^=data]")


def choose_background(tab: Tab, name: str) -> None:
    tab.locator(f'#live-background label:has(input[value="{name}"])').click()


def choose_model(tab: Tab, name: str) -> None:
    tab.locator("#live-model input").click()
    tab.get_by_role("option", name=name, exact=True).click()


def choose_blur(tab: Tab, strength: str) -> None:
    number = tab.locator("#live-blur input[type=number]")
    number.fill(strength)
    number.press("Enter")


def shown(tab: Tab) -> Image:
    """The picture before its new background, at the camera's size."""
    address = tab.locator("#live img").get_attribute("src") or ""
    data = np.frombuffer(base64.b64decode(address.partition(",")[2]), np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(cv2.resize(picture, CAMERA_SIZE_WH, interpolation=cv2.INTER_AREA), np.uint8)


def wait_for_distance(
    tab: Tab, other: Image, mask: Mask | None = None, *, least: float = 0.0, most: float = 255.0
) -> None:
    """Wait until the picture is as near to another one as this, or as far from it."""
    wait_until(lambda: least <= distance(shown(tab), other, mask) <= most)


def distance(one: Image, other: Image, mask: Mask | None = None) -> float:
    """Mean difference in grey levels, everywhere or in a part of the pictures."""
    difference = np.abs(one.astype(int) - other)
    return float((difference if mask is None else difference[mask]).mean())


def assert_kept(tab: Tab, pictures: Sequence[Image], person: Mask) -> None:
    """The person looks as in one of the camera's pictures."""
    picture = shown(tab)
    assert min(distance(picture, each, person) for each in pictures) < NEAR


def always(pictures: Sequence[Image]) -> tuple[Mask, Mask]:
    """Where there is a person in all the pictures, and where there is none in any of them."""
    predictor = MattePredictor("original", size=256)
    mattes = np.stack([predictor.predict(np.ascontiguousarray(each)) for each in pictures[::7]])
    predictor.close()
    inside = (mattes.min(0) > 250).astype(np.uint8)
    outside = (mattes.max(0) < 3).astype(np.uint8)
    kernel = np.ones((15, 15), np.uint8)
    person, room = (cv2.erode(mask, kernel).astype(bool) for mask in (inside, outside))
    assert person.mean() > 0.05
    assert room.mean() > 0.2
    return person, room
