"""Mounts Compline's pages behind Airflow's own login and adds the navigation entry.

Task processes load plugins too, so everything heavy is imported when the API server asks.
"""

from airflow.plugins_manager import AirflowPlugin

READERS = "compliance_adhoc"
"""Who may read this DAG may read the findings: it works with every auth manager."""


class ComplinePlugin(AirflowPlugin):
    """One application, one entry under Browse."""

    name = "compline"
    external_views = [  # noqa: RUF012 - Airflow's own shape
        {
            "name": "Compliance",
            "href": "compliance/",
            "destination": "nav",
            "url_route": "compliance",
            "category": "browse",
        }
    ]

    @property
    def fastapi_apps(self):
        """Built when the API server starts."""
        from airflow.api_fastapi.core_api.security import requires_access_dag
        from fastapi import Depends

        from compline.web.app import create_app
        from compline_airflow.pages import shared_store

        app = create_app(shared_store, [Depends(requires_access_dag("GET", param_dag_id=READERS))])
        return [{"app": app, "url_prefix": "/compliance", "name": "Compline"}]
