from __future__ import annotations

import asyncio
import os
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

import pytest

from stream.errors import UsageError
from ui.__main__ import main
from ui.guard import Guard
from ui.server import Address


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
def test_this_machine_needs_no_password(host: str) -> None:
    assert Address(host).is_private


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.org"])
def test_other_machines_need_one(host: str) -> None:
    with pytest.raises(UsageError, match="needs a password"):
        Address(host)
    assert not Address(host, login=("ann", "secret")).is_private


def test_the_command_refuses_to_be_public_without_a_password(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--host", "0.0.0.0"]) == 2
    error, hint = capsys.readouterr().err.splitlines()
    assert error.startswith("error: 0.0.0.0 can be reached from other machines")
    assert hint == "hint: add --auth USER:PASSWORD"


@pytest.mark.parametrize("login", ["ann", "ann:", ":secret"])
def test_half_a_login_is_no_login(login: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--auth", login])
    assert "expected USER:PASSWORD" in capsys.readouterr().err


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with what it is sent."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[bytes, bytes]
    body: bytes


def answer(
    host: str = "localhost",
    *,
    private: bool = True,
    json: bytes = b"",
    kind: bytes = b"application/json",
    site: bytes = b"same-origin",
) -> Answer:
    """What the guard lets out of `echo`; the request's body comes in two parts."""
    middle = len(json) // 2
    parts = [(json[:middle], True), (json[middle:], False)]
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        body, more = parts.pop(0)
        return {"type": "http.request", "body": body, "more_body": more}

    headers = [(b"host", host.encode()), (b"content-type", kind), (b"sec-fetch-site", site)]
    scope = {"type": "http", "method": "POST", "headers": headers}
    asyncio.run(Guard(echo, private=private)(scope, receive, send))
    return Answer(sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"])


@pytest.mark.parametrize("host", ["localhost", "localhost:7860", "127.0.0.1:7860", "[::1]:7860"])
def test_requests_for_this_machine_are_answered(host: str) -> None:
    assert answer(host).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:7860", "localhost.evil.example", ""]
)
def test_requests_under_a_foreign_name_are_refused(host: str) -> None:
    assert answer(host).status == 421
    assert answer(host, private=False).status == 200


def test_the_browser_is_told_to_fetch_nothing_from_elsewhere() -> None:
    headers = answer().headers
    policy = headers[b"content-security-policy"]
    assert policy.startswith(b"default-src 'self'")
    assert b"http" not in policy
    assert headers[b"x-frame-options"] == b"DENY"


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": [{"path": "http://example.org/clip.mp4"}]}',
        b'[[{"video": {"path": " HTTPS://example.org"}}]]',
        b'{"path": "\\u0068ttp://example.org"}',
    ],
)
@pytest.mark.parametrize("kind", [b"application/json", b"Application/JSON", b"text/x", b""])
def test_an_address_in_the_place_of_a_file_is_refused(body: bytes, kind: bytes) -> None:
    assert answer(json=body, kind=kind).status == 400


def test_an_upload_may_hold_an_address() -> None:
    assert answer(json=b'{"path": "http://example.org"}', kind=b"multipart/form-data").status == 200


def test_another_page_in_the_browser_may_not_use_this_one() -> None:
    assert answer(site=b"cross-site").status == 403
    assert answer(site=b"cross-site", private=False).status == 200


@pytest.mark.parametrize(
    "body", [b'{"data": [{"path": "/tmp/clip.mp4", "url": "http://localhost/x"}, 3]}', b"{ no JSON"]
)
def test_every_other_body_comes_through_unchanged(body: bytes) -> None:
    assert answer(json=body).status == 200
    assert answer(json=body).body == body


def test_the_environment_is_as_before_when_no_page_is_served() -> None:
    assert "GRADIO_TEMP_DIR" not in os.environ
