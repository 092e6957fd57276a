"""What other programs can ask of the page, and what they cannot get from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.client import Job
from gradio_client.exceptions import AppError
from gradio_client.utils import Status

from stream.sample import CLIP
from tests.clips import make_audio, make_clip, timestamps
from tests.outputs import sound
from tests.ui.serving import ENDPOINTS, MAX_BYTES, PATIENCE_S, ROOT, Page, wait_until
from ui.server import QUEUE_PLACES

EVENING = ("evening", 0.5, "#00b140", None)
DETAILS = ("CPU", 256, None)


@pytest.fixture
def client(served: Page, tmp_path: Path) -> Iterator[Client]:
    made = Client(
        served.url,
        verbose=False,
        analytics_enabled=False,
        download_files=tmp_path / "downloads",
        httpx_kwargs={"timeout": PATIENCE_S},
    )
    yield made
    made.close()
    for executor in (made.executor, made.helper_executor, made.stream_executor):
        executor.shutdown()


@pytest.fixture
def web(served: Page) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, timeout=PATIENCE_S) as made:
        yield made


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


def started(client: Client) -> Job:
    """A comparison that takes a while, at its first frames."""
    job = client.submit(*comparison(CLIP), api_name="/compare")
    wait_until(lambda: any("Frame" in step[0] for step in job.outputs()))
    return job


def test_of_two_comparisons_one_runs_and_the_other_waits(
    served: Page, client: Client, clip: Path
) -> None:
    first = started(client)
    second = client.submit(*comparison(clip), api_name="/compare")
    wait_until(lambda: second.status().code is Status.IN_QUEUE)
    assert len(served.jobs) == 1
    assert not second.done()
    first.cancel()
    assert Path(second.result()[3]).name == "my clip-1-green.mp4"
    assert served.jobs == []


def test_a_cancelled_comparison_frees_the_machine(served: Page, client: Client) -> None:
    job = started(client)
    assert served.jobs
    job.cancel()
    wait_until(lambda: not served.jobs)
    assert all("Frame" in step[0] or "ready" in step[0] for step in job.outputs())  # not done


def test_a_full_queue_takes_no_more(served: Page, client: Client) -> None:
    jobs = [client.submit(*comparison(CLIP), api_name="/compare") for _ in range(QUEUE_PLACES + 2)]
    wait_until(lambda: any(job.done() for job in jobs))
    refused = next(job for job in jobs if job.done())
    with pytest.raises(Exception, match=r"(?i)queue is full"):
        refused.result()
    for job in jobs:
        job.cancel()
    wait_until(lambda: not served.jobs)


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
    "path",
    [
        "/etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "pyproject.toml",
        str(ROOT / "pyproject.toml"),
        "/proc/self/environ",
    ],
)
def test_no_file_of_the_machine_can_be_fetched(web: httpx.Client, path: str) -> None:
    assert fetch(web, path).status_code in (403, 404)


def fetch(web: httpx.Client, path: object) -> httpx.Response:
    return web.get(f"gradio_api/file={path}")


def upload(web: httpx.Client, clip: Path, *, name: str) -> Path:
    """Upload a file as pages do; where the server put it."""
    answer = web.post("gradio_api/upload", files={"files": (name, clip.read_bytes())})
    return Path(answer.json()[0])


def test_an_upload_can_be_fetched_and_what_lies_beside_it_cannot(
    served: Page, web: httpx.Client, clip: Path
) -> None:
    stored = upload(web, clip, name="clip.mp4")
    assert fetch(web, stored).content == clip.read_bytes()
    for beside in (served.uploads.parent, served.temporary):
        (beside / "secret.txt").write_text("secret")
        up = "/.." * len(stored.relative_to(beside).parts)
        for path in (beside / "secret.txt", f"{stored}{up}/secret.txt".replace("/", "%2f")):
            assert fetch(web, path).status_code in (403, 404)


@pytest.mark.parametrize("path", ["/etc/passwd", str(CLIP), "file:///etc/passwd"])
def test_a_path_is_no_upload(web: httpx.Client, path: str) -> None:
    began = web.post("gradio_api/call/check_clip", json={"data": [video(path)]})
    told = web.get(f"gradio_api/call/check_clip/{began.json()['event_id']}").text
    assert "event: error" in told
    assert "root:" not in told


@pytest.mark.parametrize("host", ["example.org", "169.254.169.254", "127.0.0.1:1"])
def test_an_address_is_no_upload(served: Page, client: Client, host: str) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        client.predict(video(f"https://{host}/clip.mp4"), api_name="/check_clip")


def video(path: str) -> dict[str, Any]:
    """What a client sends for a file that it has not uploaded."""
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def test_an_upload_cannot_leave_its_folder(served: Page, web: httpx.Client, clip: Path) -> None:
    stored = upload(web, clip, name="../../../../tmp/evil name.mp4")
    assert stored.resolve().is_relative_to(served.uploads.resolve())


def test_an_upload_that_is_too_large_is_refused(web: httpx.Client) -> None:
    files = {"files": ("big.mp4", bytes(MAX_BYTES + 1))}
    assert web.post("gradio_api/upload", files=files).status_code == 413


def test_a_foreign_name_is_no_name_of_the_page(web: httpx.Client) -> None:
    assert web.get("/", headers={"host": "evil.example"}).status_code == 421
    assert "default-src 'self'" in web.get("/").headers["content-security-policy"]
