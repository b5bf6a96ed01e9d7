"""A real HTTP receiver gets what Apprise sends; a refusal is an error without the address."""

from __future__ import annotations

from typing import Any

import pytest

from compline.alerts.channels import AppriseChannel, Console, DeliveryFailed


def test_a_message_arrives_whole(webhook: Any) -> None:
    AppriseChannel(f"json://127.0.0.1:{webhook.server_port}/hook").send("Subject", "one\ntwo")
    assert [(one["title"], one["message"]) for one in webhook.got] == [("Subject", "one\ntwo")]


def test_a_refusal_is_an_error_that_does_not_tell_the_address(webhook: Any) -> None:
    webhook.status = 500
    with pytest.raises(DeliveryFailed) as caught:
        AppriseChannel(f"json://hunter2:x@127.0.0.1:{webhook.server_port}/").send("s", "b")
    assert "hunter2" not in str(caught.value)


def test_a_closed_door_is_an_error() -> None:
    with pytest.raises(DeliveryFailed):
        AppriseChannel("json://127.0.0.1:9/", seconds=2).send("s", "b")


def test_an_unknown_scheme_is_an_error() -> None:
    with pytest.raises(DeliveryFailed, match="does not understand"):
        AppriseChannel("nonsense-hunter2").send("s", "b")


def test_the_console_shows_every_line() -> None:
    lines: list[str] = []
    Console(lines.append).send("Subject", "one\ntwo")
    assert lines == ["ALERT Subject", "  one", "  two"]
