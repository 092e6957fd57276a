"""What other programs can ask of the page, and what they cannot get from it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from gradio_client.utils import Status

from stream.sample import CLIP
from tests.clips import make_audio, make_clip, timestamps
from tests.outputs import sound
from tests.ui.serving import ENDPOINTS, MAX_BYTES, Page

EVENING = ("evening", 0.5, "#00b140", None)
DETAILS = ("CPU", 256, None)


@pytest.fixture
def client(served: Page, tmp_path: Path) -> Iterator[Client]:
    made = Client(
        served.url,
        verbose=False,
        analytics_enabled=False,
        download_files=tmp_path / "downloads",
    )
    yield made
    made.close()
    for executor in (made.executor, made.helper_executor, made.stream_executor):
        executor.shutdown()


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "my clip.mp4", frames=8, audio_tracks=1)


def comparison(clip: Path) -> tuple[Any, ...]:
    return (handle_file(clip), *EVENING, "original", "pruned", *DETAILS)


def test_every_action_can_be_called_by_its_name(client: Client) -> None:
    endpoints = client.view_api(return_format="dict", print_info=False)
    assert set(endpoints["named_endpoints"]) == ENDPOINTS
    assert endpoints["unnamed_endpoints"] == {}


def test_a_comparison_gives_clips_and_a_report(served: Page, client: Client, clip: Path) -> None:
    _, _, _, a, b, heat, report, *_ = client.predict(*comparison(clip), api_name="/compare")
    assert timestamps(Path(a)) == timestamps(Path(b)) == timestamps(clip)
    assert len(timestamps(Path(heat))) == 8
    assert len(sound(Path(a))) == 1
    models = json.loads(Path(report).read_text())["models"]
    assert [model["run"]["frames_out"] for model in models] == [8, 8]
    assert served.jobs == []
    one, other = client.predict(handle_file(a), handle_file(b), 0.1, api_name="/frames")
    assert Path(one).read_bytes() != Path(other).read_bytes()


def test_a_conversion_gives_a_file(served: Page, client: Client, clip: Path) -> None:
    *_, file = client.predict(
        handle_file(clip),
        "pruned",
        "WebM with transparency",
        *EVENING,
        *DETAILS,
        api_name="/convert",
    )
    assert Path(file).suffix == ".webm"
    assert len(timestamps(Path(file))) == 8


def test_two_comparisons_at_once_run_one_after_the_other(
    served: Page, client: Client, clip: Path
) -> None:
    jobs = [client.submit(*comparison(clip), api_name="/compare") for _ in range(2)]
    seen = set()
    while not all(job.done() for job in jobs):
        seen.add(tuple(job.status().code for job in jobs))
        assert len(served.jobs) <= 1
        time.sleep(0.01)
    assert seen & {(Status.ITERATING, Status.IN_QUEUE), (Status.IN_QUEUE, Status.ITERATING)}
    assert all(Path(job.result()[3]).name == "my clip-1-green.mp4" for job in jobs)


def test_a_cancelled_comparison_stops_within_a_second(served: Page, client: Client) -> None:
    job = client.submit(*comparison(CLIP), api_name="/compare")
    wait_until(lambda: any("Frame" in step[0] for step in job.outputs()), timeout_s=20)
    assert served.jobs
    job.cancel()
    wait_until(lambda: not served.jobs, timeout_s=2)


def wait_until(condition: Any, *, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


@pytest.mark.parametrize(
    ("kind", "words"),
    [("text", "is not a video"), ("sound", "no video stream"), ("playlist", "is not a video")],
)
def test_a_bad_clip_gets_one_sentence_and_is_deleted(
    served: Page, client: Client, tmp_path: Path, kind: str, words: str
) -> None:
    bad = tmp_path / f"bad {kind}.mp4"
    if kind == "sound":
        make_audio(bad)
    else:
        bad.write_text("#EXTM3U\nsecret.mp4\n" if kind == "playlist" else "nothing")
    with pytest.raises(AppError, match=words) as refused:
        client.predict(handle_file(bad), api_name="/check_clip")
    assert "/" not in str(refused.value)
    assert not list(served.uploads.rglob(f"*{kind}*.mp4"))


def test_only_what_can_be_chosen_can_be_asked_for(served: Page, client: Client, clip: Path) -> None:
    video = handle_file(clip)
    for values in (
        (video, "/etc/passwd", *EVENING[1:], "original", "pruned", *DETAILS),
        (video, *EVENING, "../../model.xml", "pruned", *DETAILS),
        (video, *EVENING, "original", "pruned", "CPU", 100_000, None),
    ):
        with pytest.raises(AppError):
            client.predict(*values, api_name="/preview")


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "..%2f..%2fetc%2fpasswd", "pyproject.toml", "/proc/self/environ"]
)
def test_no_file_of_the_machine_can_be_fetched(served: Page, path: str) -> None:
    answer = httpx.get(f"{served.url}gradio_api/file={path}")
    assert answer.status_code in (403, 404)


@pytest.mark.parametrize("path", ["/etc/passwd", str(CLIP), "http://169.254.169.254/latest"])
def test_a_path_is_no_upload(served: Page, path: str) -> None:
    payload = {"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}]}
    began = httpx.post(f"{served.url}gradio_api/call/check_clip", json=payload)
    told = httpx.get(f"{served.url}gradio_api/call/check_clip/{began.json()['event_id']}").text
    assert "event: error" in told
    assert "root:" not in told


def test_an_upload_cannot_leave_its_folder(served: Page, clip: Path) -> None:
    files = {"files": ("../../../../tmp/evil name.mp4", clip.read_bytes())}
    (stored,) = httpx.post(f"{served.url}gradio_api/upload", files=files).json()
    assert Path(stored).resolve().is_relative_to(served.uploads.resolve())


def test_an_upload_that_is_too_large_is_refused(served: Page) -> None:
    files = {"files": ("big.mp4", bytes(MAX_BYTES + 1))}
    assert httpx.post(f"{served.url}gradio_api/upload", files=files).status_code == 413


def test_a_foreign_name_is_no_name_of_the_page(served: Page) -> None:
    assert httpx.get(served.url, headers={"host": "evil.example"}).status_code == 421
    assert "default-src 'self'" in httpx.get(served.url).headers["content-security-policy"]
