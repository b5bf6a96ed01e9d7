"""x"""

from compline.model import TargetKind


class LogSecrets:
    name = "log-secrets"
    kinds = frozenset({TargetKind.AIRFLOW, TargetKind.LOG})
