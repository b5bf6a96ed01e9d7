"""E-mail by our own hand, so that a subject's messages make one thread.

The address is Apprise's (`mailto://`, `mailtos://`), with its ways to name servers, recipients and
security; Apprise itself could name neither a message nor the one that it answers.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from compline.alerts.channels import DeliveryFailed, Envelope, within
from compline.alerts.escape import plain
from compline.alerts.messages import Message
from compline.alerts.render import body, subject_line


class Mail:
    """The recipients that one address names, behind its server."""

    def __init__(self, parsed: Any, seconds: float) -> None:
        self._parsed = parsed
        self._seconds = seconds

    def send(self, message: Message, envelope: Envelope) -> str:
        """One mail to all recipients; notes who was refused while others were not."""
        mail = self._mail(message, envelope)
        return within(self._seconds, lambda: self._hand_over(mail))

    def _mail(self, message: Message, envelope: Envelope) -> EmailMessage:
        parsed = self._parsed
        name, sender = parsed.from_addr
        domain = sender.rpartition("@")[2]
        mail = EmailMessage()
        mail["From"] = _address(name or "", sender)
        mail["To"] = [_address(one or "", address) for one, address in parsed.targets]
        for header, addresses in (("Cc", parsed.cc), ("Reply-To", parsed.reply_to)):
            if addresses:
                named = sorted((parsed.names.get(one) or "", one) for one in addresses)
                mail[header] = [_address(*one) for one in named]
        mail["Subject"] = subject_line(message, plain)
        mail["Date"] = format_datetime(envelope.at)
        # The same in every try: a mailbox that has got one twice can tell.
        mail["Message-ID"] = f"<{envelope.id}@{domain}>"
        if envelope.thread != envelope.id:
            mail["In-Reply-To"] = f"<{envelope.thread}@{domain}>"
            mail["References"] = f"<{envelope.thread}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(body(message, plain), cte="quoted-printable")
        return mail

    def _hand_over(self, mail: EmailMessage) -> str:
        parsed = self._parsed
        recipients = {address for _, address in parsed.targets} | parsed.cc | parsed.bcc
        try:
            with self._server() as server:
                refused = server.send_message(mail, parsed.from_addr[1], sorted(recipients))
        except smtplib.SMTPRecipientsRefused as error:
            codes = sorted({code for code, _ in error.recipients.values()})
            raise DeliveryFailed(f"every recipient was refused ({_joined(codes)})") from None
        except smtplib.SMTPResponseException as error:
            # Only the code: what the server says may quote the login.
            raise DeliveryFailed(f"the mail server answers {error.smtp_code}") from None
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryFailed(f"no mail server ({type(error).__name__})") from None
        if refused:
            codes = sorted({code for code, _ in refused.values()})
            return f"{len(refused)} of {len(recipients)} recipients were refused ({_joined(codes)})"
        return ""

    def _server(self) -> smtplib.SMTP:
        parsed = self._parsed
        context = ssl.create_default_context()
        if not parsed.verify_certificate:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        host, port = parsed.smtp_host, parsed.port
        if parsed.secure_mode == "ssl":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, port, timeout=self._seconds, context=context
            )
        else:
            server = smtplib.SMTP(host, port, timeout=self._seconds)
        try:
            if parsed.secure_mode == "starttls":
                server.starttls(context=context)
            if parsed.user and parsed.password:
                server.login(parsed.user, parsed.password)
        except BaseException:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                server.close()
            raise
        return server


def _address(name: str, address: str) -> Address:
    return Address(display_name=str(name), addr_spec=address)


def _joined(codes: list[int]) -> str:
    return ", ".join(map(str, codes))
