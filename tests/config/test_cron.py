"""A schedule that Airflow could not keep is refused when the configuration is read."""

import pytest
from croniter import croniter

from compline.config.cron import check_cron, check_timezone


@pytest.mark.parametrize(
    "good",
    [
        "0 2 * * *", "*/15 0-6 1,15 jan-mar MON-FRI", "0 0 * * 7", "5 4 L * *", "0 0 * * 5#2",
        "0-59/5 * * * sun", "@daily", "@quarterly",
    ],
)  # fmt: skip
def test_what_airflow_takes(good: str) -> None:
    assert check_cron(good) == good
    if not good.startswith("@"):
        assert croniter.is_valid(good)


@pytest.mark.parametrize(
    "bad",
    [
        "", "nonsense", "0 2 * *", "99 2 * * *", "0 24 * * *", "0 2 0 * *", "0 2 * 13 *",
        "0 2 * * 8", "*/0 * * * *", "*/x * * * *", "5-1 * * * *", "a b c d e", "0 2 * * foo",
        "@sometimes", "@daily * * * *", "1,,2 * * * *", "² * * * *", "0 0 * * 5#9",
    ],
)  # fmt: skip
def test_what_it_does_not(bad: str) -> None:
    with pytest.raises(ValueError, match=" is not a "):
        check_cron(bad)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_zones(zone: str) -> None:
    assert check_timezone(zone) == zone


@pytest.mark.parametrize("zone", ["", "Mars/Base", "../../etc/passwd", "Europe", "a\0b"])
def test_no_zones(zone: str) -> None:
    with pytest.raises(ValueError, match="there is no time zone"):
        check_timezone(zone)
