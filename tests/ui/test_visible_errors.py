from __future__ import annotations

import logging

import gradio as gr
import pytest

from stream.errors import InputError
from ui.visible_errors import sentence, visible_errors


def test_an_error_and_its_hint_become_one_sentence() -> None:
    error = InputError("no such device.", hint="there is CPU")
    assert sentence(error) == "No such device; there is CPU."


def test_the_name_of_a_file_stays_as_it_is() -> None:
    assert sentence(InputError("clip.mp4 is empty")) == "clip.mp4 is empty."


def refuse(name: str) -> None:
    raise InputError(f"{name} is empty")


def test_what_a_visitor_can_mend_is_shown_and_never_taken_for_html() -> None:
    with pytest.raises(gr.Error) as shown:
        visible_errors(refuse)("<b>.mp4")
    assert shown.value.message == "&lt;b&gt;.mp4 is empty."


def test_a_fault_of_the_program_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ValueError("/secret/path")

    with caplog.at_level(logging.ERROR), pytest.raises(gr.Error) as shown:
        visible_errors(fail)()
    assert "secret" not in shown.value.message
    assert "/secret/path" in caplog.text
