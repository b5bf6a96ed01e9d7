"""The deployment of Airflow that runs us, as `compline.scanners.airflow.own` describes it."""

from __future__ import annotations

from airflow.configuration import conf


class ThisAirflow:
    """Reads Airflow's own configuration, in the process of a task."""

    def setting(self, section: str, option: str) -> str | None:
        """An option's value; None where there is none, or a secret that was made up here."""
        value = conf.get(section, option, fallback=None)
        if value is None:
            return None
        if conf.is_sensitive_option(section, option):
            # Each process draws its own defaults for the keys that nobody has set.
            made_up = conf.get_default_value(section, option, fallback=None)
            if value == made_up:
                return None
        return str(value)
