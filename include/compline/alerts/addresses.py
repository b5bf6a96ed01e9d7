"""Which channel an address leads to."""

from __future__ import annotations

import apprise
from apprise.plugins.email import NotifyEmail
from apprise.plugins.email.base import PGP_MODE_DEFAULT

from compline.alerts.channels import Channel, DeliveryFailed, quiet_libraries
from compline.alerts.mail import Mail
from compline.alerts.services import Service
from compline.alerts.webhook import Webhook


def channel_at(url: str, signing_key: str = "", seconds: float = 20.0) -> Channel:
    """Our webhook where there is a signing key, e-mail for `mailto(s)://`, else Apprise's service.

    Args:
        url: a secret; no error quotes it.
        signing_key: of our webhook; empty for everything else.
        seconds: that one delivery may take.

    Raises:
        DeliveryFailed: the address cannot be understood.
    """
    if signing_key:
        return Webhook(url, signing_key.encode(), seconds)
    with quiet_libraries():
        # Apprise would keep state on disk; its own log is silent, see above.
        asset = apprise.AppriseAsset(
            storage_mode="memory",
            service_timeout=seconds,
            secure_logging=True,
            app_id="Compline",
        )
        plugin = apprise.Apprise.instantiate(url, asset=asset)
    if plugin is None:
        raise DeliveryFailed("Apprise does not understand the channel's URL; see its manual")
    if type(plugin) is NotifyEmail and plugin.pgp_mode == PGP_MODE_DEFAULT:
        return Mail(plugin, seconds)
    return Service(plugin, asset, seconds)
