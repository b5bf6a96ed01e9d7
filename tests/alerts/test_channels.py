"""Real receivers get what is sent; a refusal is an error without the address."""

from __future__ import annotations

import hashlib
import hmac
import logging
import socket
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from compline.alerts.addresses import channel_at
from compline.alerts.channels import Console, DeliveryFailed, Envelope
from compline.alerts.mail import Mail
from compline.alerts.messages import Entry, Event, Form, Message
from compline.alerts.services import Service
from compline.alerts.webhook import retry_after

ENTRY = Entry(
    Event.OPENED, "new", "CMP-1", "web", "bandit", "high",
    "exec is used <!channel> @everyone", why="code changed",
)  # fmt: skip
MESSAGE = Message("acme", Form.SINGLE, Event.OPENED, "page", "high: web: exec", (ENTRY,))
ENVELOPE = Envelope("d2", "d1", datetime(2026, 3, 2, 12, tzinfo=UTC))
FIRST = replace(ENVELOPE, id="d1")
ENDED = replace(
    MESSAGE, event=Event.RESOLVED, entries=(replace(ENTRY, event=Event.RESOLVED),), closes=("d1",)
)


class TestServices:
    def test_slack_shows_it_literally(self, slack: Any) -> None:
        channel_at("slack://T00000000/B00000000/abcdefghijklmnopqrstuvwx").send(MESSAGE, ENVELOPE)
        [got] = slack.got
        [attachment] = got.json["attachments"]
        assert attachment["title"] == "[Compline acme] high: web: exec"
        text = attachment["text"].replace("\u200b", "")
        assert text.startswith(
            "new, high: exec is used \u2039!channel\u203a @everyone\ntarget: web"
        )
        assert b"<!" not in got.body
        assert "@everyone" not in attachment["text"]
        assert got.json["mrkdwn"] is False

    def test_a_plain_json_service(self, receiver: Any) -> None:
        channel_at(f"json://{receiver.address}/hook").send(MESSAGE, ENVELOPE)
        [got] = receiver.got
        assert got.json["title"] == "[Compline acme] high: web: exec"
        assert got.json["type"] == "failure"

    def test_a_refusal_does_not_tell_the_address(self, receiver: Any) -> None:
        receiver.refuse = 1
        with pytest.raises(DeliveryFailed) as caught:
            channel_at(f"json://hunter2:x@{receiver.address}/").send(MESSAGE, FIRST)
        assert "hunter2" not in str(caught.value)

    def test_a_closed_door_and_an_unknown_scheme(self) -> None:
        with pytest.raises(DeliveryFailed):
            channel_at("json://127.0.0.1:9/", seconds=5).send(MESSAGE, FIRST)
        with pytest.raises(DeliveryFailed, match="does not understand"):
            channel_at("nonsense-hunter2")

    def test_nothing_is_kept_on_disk_and_nothing_logged(
        self, receiver: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
    ) -> None:
        for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
            monkeypatch.setenv(name, str(tmp_path))
        monkeypatch.chdir(tmp_path)
        caplog.set_level(logging.DEBUG)
        receiver.refuse = 1
        with pytest.raises(DeliveryFailed):
            channel_at(f"json://u:hunter2@{receiver.address}/").send(MESSAGE, FIRST)
        channel_at(f"json://u:hunter2@{receiver.address}/").send(MESSAGE, FIRST)
        assert list(tmp_path.rglob("*")) == []
        channel = channel_at("slack://T00000000/B00000000/abcdefghijklmnopqrstuvwx")
        assert isinstance(channel, Service)
        assert channel._plugin.store.mode == "memory"
        assert "hunter2" not in caplog.text
        assert str(receiver.server_port) not in caplog.text

    def test_incidents_by_key(self, pagerduty: Any) -> None:
        address = "pagerduty://routing00000000000000000000key1@apikey00000000000"
        channel_at(address).send(MESSAGE, FIRST)
        channel_at(address).send(replace(MESSAGE, event=Event.UPDATED), ENVELOPE)
        channel_at(address).send(ENDED, ENVELOPE)
        shown = [(got.json["event_action"], got.json["dedup_key"]) for got in pagerduty.got]
        assert shown == [("trigger", "d1"), ("trigger", "d1"), ("resolve", "d1")]
        # While others of the same incident are open, the end of one leaves it alone.
        channel_at(address).send(replace(ENDED, closes=()), ENVELOPE)
        assert len(pagerduty.got) == 3
        several = replace(MESSAGE, closes=("d5", "d6"))
        channel_at(address).send(several, replace(FIRST, id="d9", thread="d9"))
        shown = [(got.json["event_action"], got.json["dedup_key"]) for got in pagerduty.got[3:]]
        assert shown == [("resolve", "d5"), ("resolve", "d6"), ("trigger", "d9")]


class TestMail:
    def address(self, mailbox: Any, more: str = "") -> str:
        return (
            f"mailto://127.0.0.1:{mailbox.port}/?from=Compline<compline@acme.example>"
            f"&to=ann@acme.example,bob@acme.example&mode=insecure{more}"
        )

    def test_a_thread(self, mailbox: Any) -> None:
        channel = channel_at(self.address(mailbox, "&cc=eve@acme.example"))
        assert isinstance(channel, Mail)
        assert channel.send(MESSAGE, FIRST) == ""
        channel.send(ENDED, ENVELOPE)
        first, second = mailbox.mails
        assert first["Message-ID"] == "<d1@acme.example>"
        assert first["In-Reply-To"] is None
        assert (second["In-Reply-To"], second["References"]) == ("<d1@acme.example>",) * 2
        assert second["Message-ID"] == "<d2@acme.example>"
        assert first["Subject"] == second["Subject"] == "[Compline acme] high: web: exec"
        assert first["From"].addresses[0].addr_spec == "compline@acme.example"
        assert [one.username for one in first["To"].addresses] == ["ann", "bob"]
        assert first["Auto-Submitted"] == "auto-generated"
        assert sorted(mailbox.recipients[0]) == [
            "ann@acme.example", "bob@acme.example", "eve@acme.example",
        ]  # fmt: skip
        assert first.get_content_type() == "text/plain"
        assert "exec is used <!channel>" in first.get_content()
        assert "@everyone" not in first.get_content()

    def test_a_title_cannot_write_headers(self, mailbox: Any) -> None:
        evil = replace(MESSAGE, title="x\r\nBcc: mallory@evil.example\r\n\r\nbody")
        channel_at(self.address(mailbox)).send(evil, FIRST)
        [mail] = mailbox.mails
        assert mail["Bcc"] is None
        assert len(mailbox.recipients[0]) == 2

    def test_one_refused_recipient_is_a_note(self, mailbox: Any) -> None:
        mailbox.refused_recipient = "bob@acme.example"
        note = channel_at(self.address(mailbox)).send(MESSAGE, FIRST)
        assert note == "1 of 2 recipients were refused (550)"
        assert mailbox.recipients == [["ann@acme.example"]]

    def test_refusals(self, mailbox: Any) -> None:
        mailbox.refuse = 1
        with pytest.raises(DeliveryFailed, match="the mail server answers 451"):
            channel_at(self.address(mailbox)).send(MESSAGE, FIRST)
        with pytest.raises(DeliveryFailed, match="no mail server"):
            channel_at(
                "mailto://u:hunter2@127.0.0.1:9/?from=a@b.example&to=c@d.example&mode=insecure"
            ).send(MESSAGE, FIRST)


class TestWebhook:
    KEY = "a secret key"

    def test_it_is_signed_over_time_and_body(self, receiver: Any) -> None:
        channel_at(f"http://{receiver.address}/hook?token=1", self.KEY).send(MESSAGE, ENVELOPE)
        [got] = receiver.got
        headers = {name.lower(): value for name, value in got.headers.items()}
        assert headers["idempotency-key"] == got.json["id"] == "d2"
        assert headers["compline-thread"] == got.json["thread"] == "d1"
        signed = headers["compline-timestamp"].encode() + b"." + got.body
        expected = hmac.new(self.KEY.encode(), signed, hashlib.sha256).hexdigest()
        assert headers["compline-signature"] == f"v1={expected}"
        assert got.json["event"] == "opened"
        [entry] = got.json["entries"]
        assert (entry["kind"], entry["severity"], entry["subject"]) == ("new", "high", "CMP-1")
        assert "@everyone" not in got.body.decode()
        assert "<!" not in got.body.decode()

    def test_a_refusal_and_when_to_come_again(self, receiver: Any) -> None:
        receiver.refuse, receiver.headers = 1, {"Retry-After": "90"}
        channel = channel_at(f"http://{receiver.address}/hunter2", self.KEY)
        with pytest.raises(DeliveryFailed) as caught:
            channel.send(MESSAGE, FIRST)
        assert str(caught.value) == "the receiver answers 503"
        assert caught.value.retry_after == 90

    def test_a_redirection_is_not_followed(self, receiver: Any) -> None:
        receiver.refuse, receiver.status = 1, 302
        receiver.headers = {"Location": f"http://{receiver.address}/elsewhere"}
        with pytest.raises(DeliveryFailed, match="answers 302"):
            channel_at(f"http://{receiver.address}/", self.KEY).send(MESSAGE, FIRST)
        assert receiver.got == []

    def test_it_does_not_wait_for_ever(self, receiver: Any) -> None:
        gate = threading.Event()
        receiver.hold = lambda: gate.wait(20) and None
        try:
            with pytest.raises(DeliveryFailed, match=r"no (answer within|receiver)"):
                channel_at(f"http://{receiver.address}/", self.KEY, 0.3).send(MESSAGE, FIRST)
        finally:
            gate.set()

    def test_a_receiver_that_answers_a_byte_at_a_time(self) -> None:
        """No single read takes long; all of them together do."""
        over = threading.Event()
        with socket.create_server(("127.0.0.1", 0)) as server:

            def drip() -> None:
                peer, _ = server.accept()
                with peer:
                    for byte in b"HTTP/1.1 200 OK" + b" " * 1000:
                        if over.wait(0.1):
                            return
                        peer.send(bytes([byte]))

            dripping = threading.Thread(target=drip)
            dripping.start()
            began = time.monotonic()
            url = f"http://127.0.0.1:{server.getsockname()[1]}/"
            with pytest.raises(DeliveryFailed, match=r"no answer within 0\.5 seconds"):
                channel_at(url, self.KEY, 0.5).send(MESSAGE, FIRST)
            assert time.monotonic() - began < 5
            over.set()
            dripping.join()

    def test_only_http(self) -> None:
        with pytest.raises(DeliveryFailed, match="begins with https://"):
            channel_at("file:///hunter2", self.KEY)

    def test_nothing_is_logged(self, receiver: Any, caplog: Any) -> None:
        caplog.set_level(logging.DEBUG)
        channel_at(f"http://{receiver.address}/hunter2", self.KEY).send(MESSAGE, FIRST)
        assert "hunter2" not in caplog.text

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("120", 120.0),
            ("Mon, 02 Mar 2026 12:10:00 GMT", 600.0),
            ("Mon, 02 Mar 2026 11:00:00 GMT", None),
            ("-5", None),
            ("nan", None),
            ("9999999", None),
            ("soon", None),
            ("", None),
        ],
    )
    def test_retry_after(self, value: str, seconds: float | None) -> None:
        assert retry_after(value, ENVELOPE.at) == seconds


def test_the_console_shows_every_line() -> None:
    lines: list[str] = []
    Console(lines.append).send(MESSAGE, ENVELOPE)
    assert lines[0] == "ALERT [Compline acme] high: web: exec"
    assert lines[1].startswith("  new, high: exec is used")
