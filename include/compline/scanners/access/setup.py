"""A target's settings as what reads and judges its lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from zoneinfo import ZoneInfo

from compline.config.targets.logs import Access
from compline.model import Target, digest_of
from compline.scanners.access import naming
from compline.scanners.access.download import Request
from compline.scanners.access.formats import Parser, parser
from compline.scanners.access.judge import Rules


@dataclass(frozen=True)
class Setup:
    """How the lines of one target are read and judged."""

    format: str
    access: Access
    parse: Parser
    rules: Rules
    zone: tzinfo

    @classmethod
    def of(cls, target: Target) -> Setup:
        """Of a target with an access log's format."""
        access = Access.model_validate(target.settings.get("access") or {})
        return cls.made(str(target.settings["format"]), access)

    @classmethod
    def made(cls, format_: str, access: Access) -> Setup:
        """Of a format and its settings."""
        zone = ZoneInfo(access.timezone)
        rules = Rules(
            access.learning_days,
            access.habit_days,
            access.volume_factor,
            access.volume_floor_mb << 20,
            access.volume_floor_downloads,
            _quiet(access.quiet_hours),
            access.many_models,
            tuple(access.allowed),
        )
        return cls(format_, access, parser(format_, zone, forwarded=access.forwarded), rules, zone)

    def download_of(self) -> naming.DownloadOf:
        """What makes downloads out of requests."""
        mlflow = self._of_mlflow
        by_path = naming.models([*self.access.paths, *(naming.MLFLOW if mlflow else ())])

        def model_of(request: Request) -> naming.Model | None:
            return (naming.mlflow_model(request) if mlflow else None) or by_path(request.path)

        return naming.downloads(
            model_of,
            by_network=self.access.principal == "network",
            addresses=self.access.addresses,
        )

    @property
    def reading(self) -> str:
        """Digest of what habits depend on; see `Memory.reading`."""
        fields = {"paths", "principal", "forwarded", "addresses", "timezone"}
        said = {"format": self.format, **self.access.model_dump(mode="json", include=fields)}
        # A log that is MLflow's by its format has always been read so.
        more = {"mlflow": True} if self._of_mlflow and self.format != "mlflow" else {}
        return digest_of({**said, **more})

    @property
    def _of_mlflow(self) -> bool:
        """Whether MLflow's own ways to a model's files are known: its log, or that of a proxy."""
        return self.format == "mlflow" or self.access.registry is not None


def _quiet(hours: str | None) -> int:
    """A bit for each hour from the first up to the last, over midnight too."""
    if hours is None:
        return 0
    first, last = (int(part) for part in hours.split("-"))
    length = (last - first) % 24 or 24
    return sum(1 << (first + hour) % 24 for hour in range(length))
