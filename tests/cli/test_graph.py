"""`compline graph`, and what a finding says of its reach."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

LINKS = [
    {"from": "repository/web", "to": "dag/nightly", "how": "is run by"},
    {"from": "dag/nightly", "to": "model_registry/models", "how": "writes to"},
]


@pytest.fixture
def linked(site: Any) -> Any:
    """The site with declared links, scanned."""
    targets = {
        "repositories": [
            {"name": name, "url": f"file://{site.home}/{name}.git", "branch": "main"}
            for name in ("calm", "web")
        ],
        "model_registries": [
            {"name": "models", "kind": "mlflow", "url": "https://mlflow.example.org",
             "labels": {"exposure": "internet"}}
        ],
    }  # fmt: skip
    site.write(targets=targets, links=LINKS, scanners=only("lineage"))
    done = site.run("scan")
    assert "lineage" in done.stdout, done.output
    return site


def only(name: str) -> dict[str, Any]:
    from compline.scanners import registry

    return {one: {"enabled": one == name} for one in registry.names()}


def test_all_of_it(linked: Any) -> None:
    shown = linked.run("graph").stdout
    assert "repository/web" in shown
    assert "is run by" in shown
    assert linked.json("graph", "--format", "json")["links"][0] == {
        "from": "dag/nightly",
        "to": "model_registry/models",
        "how": "writes to",
        "said_by": "declared",
        "seen_in": "",
    }


def test_one_asset_by_its_targets_name(linked: Any) -> None:
    near = linked.json("graph", "web", "--format", "json")
    assert near["asset"] == "repository/web"
    assert [one["asset"] for one in near["reaches"]] == ["dag/nightly", "model_registry/models"]
    assert near["comes_from"] == []
    shown = linked.run("graph", "web").stdout
    assert "repository/web is run by dag/nightly, writes to model_registry/models" in " ".join(
        shown.split()
    )
    assert "Comes from nothing that is known." in shown
    assert "repository/web, 0 open findings" in shown
    assert [one["open_findings"] for one in linked.json("graph", "--format", "json")["assets"]] == [
        None, None, 0,
    ], "a DAG is no target, and nobody could look at the registry"  # fmt: skip
    assert "model_registry/models, never looked at" in linked.run("graph", "models").stdout
    assert "model_registry/models (never looked at)" in linked.run("graph", "-f", "dot").stdout


SARIF = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {"driver": {"name": "any"}},
            "results": [
                {
                    "ruleId": "X1",
                    "level": "warning",
                    "message": {"text": "a shell"},
                    "locations": [
                        {
                            "physicalLocation": {
                                "artifactLocation": {"uri": "app.py"},
                                "region": {"startLine": 5},
                            }
                        }
                    ],
                }
            ],
        }
    ],
}


def test_every_finding_tells_what_it_reaches(site: Any) -> None:
    more = [{"from": "dag/nightly", "to": f"dataset/d{number:02}"} for number in range(12)]
    site.write(
        targets={
            "repositories": [{"name": "web", "url": f"file://{site.home}/web.git"}],
            "endpoints": [{"name": "api", "url": "https://api.example.org/", "shape": "openai"}],
        },
        links=[LINKS[0], *more, {"from": "dataset/d11", "to": "endpoint/api"}],
        scanners=only("lineage"),
    )
    report = site.home / "report.sarif"
    report.write_text(json.dumps(SARIF))
    assert site.run("scan", "--target", "web").exit_code == 0
    done = site.run("import", "sarif", str(report), "--target", "web")
    assert done.exit_code == 0, done.output
    [one] = site.json("findings", "--format", "json")
    foremost = ["endpoint/api", "dag/nightly", *(f"dataset/d{number:02}" for number in range(8))]
    assert (one["reaches"], one["reaches_total"]) == (foremost, 14)
    [result] = site.json("findings", "--format", "sarif")["runs"][0]["results"]
    assert result["properties"]["reaches"] == foremost
    [row] = csv.DictReader(io.StringIO(site.run("findings", "--format", "csv").stdout))
    assert (row["reaches"], row["reaches_total"]) == (" ".join(foremost), "14")
    assert "endpoint/api (+13)" in " ".join(site.run("findings").stdout.split())


def test_the_drawing_formats_quote_what_they_are_given(site: Any) -> None:
    how = 'says "hi"; ]'
    site.write(links=[{"from": "repository/web", "to": "dataset/a|b", "how": how}])
    site.run("scan")
    dot = site.run("graph", "--format", "dot").stdout
    assert '"repository/web" -> "dataset/a|b" [label="says \\"hi\\"; ]"];' in dot
    mermaid = site.run("graph", "--format", "mermaid").stdout
    assert mermaid.startswith("flowchart LR\n")
    assert "says #34;hi#34;#59; #93;" in mermaid
    assert "dataset/a#124;b" in mermaid


def test_nothing_is_linked(site: Any) -> None:
    assert "Nothing is linked" in site.run("graph").stdout
    done = site.run("graph", "image/none")
    assert done.exit_code == 2
    assert "nothing is known of 'image/none'" in done.stderr


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ({"from": "repository/wbe", "to": "dag/x"}, "did you mean 'repository/web'?"),
        ({"from": "web", "to": "dag/x"}, "an asset is written KIND/NAME"),
        ({"from": "repository/web"}, "links.0.to: is required"),
    ],
)
def test_mistakes_have_their_place(site: Any, link: dict[str, str], message: str) -> None:
    site.write(links=[link])
    done = site.run("config", "check")
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())
