"""What a deployment of Airflow can tell of itself to a task that it runs.

The library does not import airflow: compline_airflow hands an implementation in, as it does for
secrets in connections.
"""

from __future__ import annotations

from typing import Protocol


class OwnAirflow(Protocol):
    """The configuration of the deployment that runs us, as a task sees it; never its database."""

    def setting(self, section: str, option: str) -> str | None:
        """An option's value, its default where it is not set; None where there is no such option.

        What only the API server or the scheduler was given, a worker does not see: a secret that
        nobody set here has no value (None), although Airflow would make one up.
        """
        ...
