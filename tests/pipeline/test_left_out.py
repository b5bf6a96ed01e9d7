"""A listed target that no enabled scanner looks at is in the ledger, not just missing from it."""

from __future__ import annotations

from typing import Any

import pytest

from compline.model import RunResult
from compline.pipeline.request import BadRequest
from compline.scanners import registry
from compline.store.runs import latest_run

REGISTRY = {"name": "models", "kind": "mlflow", "url": "https://mlflow.example.org"}


@pytest.fixture
def mixed(organisation: Any, fake: Any) -> Any:
    """A repository that bandit looks at, and a model registry whose one scanner is disabled."""
    fake("bandit")
    organisation.commit("web", {"a.txt": "fine\n"})
    repository = {"name": "web", "url": organisation.url("web"), "branch": "main"}
    organisation.sections = {
        "targets": {"repositories": [repository], "model_registries": [REGISTRY]}
    }
    return organisation


def test_a_target_whose_scanners_are_disabled_is_skipped_and_says_why(mixed: Any) -> None:
    night = mixed.night()
    of_registries = ("registry-permissions", "modelaudit", "picklescan", "model-guard")
    assert night.outcomes == {
        ("web", "bandit"): "completed",
        **{("models", scanner): "skipped" for scanner in of_registries},
    }
    reason = night.row("models", "registry-permissions").reason
    assert reason == "disabled by `scanners: {registry-permissions: {enabled: false}}`"
    assert any("skipped: disabled" in line for line in night.told)
    assert night.result is RunResult.CLEAN
    # The unchanged night says it again.
    assert mixed.night().outcomes == night.outcomes


def test_whoever_chooses_scanners_does_not_hear_of_the_others(mixed: Any) -> None:
    assert mixed.night(scanners=("bandit",)).outcomes == {("web", "bandit"): "completed"}


@pytest.mark.parametrize(
    "request_", [{"targets": ("models",)}, {"targets": ("models",), "scanners": ("bandit",)}]
)
def test_nothing_to_do_is_a_wrong_request_and_no_run(mixed: Any, request_: Any) -> None:
    with pytest.raises(BadRequest, match=r"nothing to do: .*models; .*registry-permissions"):
        mixed.night(**request_)
    with mixed.session() as session:
        assert latest_run(session.store) is None


def test_nothing_but_disabled_targets_is_no_night(mixed: Any) -> None:
    mixed.sections = {"targets": {"model_registries": [REGISTRY]}}
    with pytest.raises(BadRequest, match="nothing to do: none of bandit looks at models"):
        mixed.night()


def test_a_scanner_without_anything_to_look_at_is_not_even_loaded(
    organisation: Any, fake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake("bandit")
    organisation.commit("web", {"a.txt": "fine\n"})
    organisation.scanners = ("bandit", "data-expectations", "model-guard")
    loaded: set[str] = set()
    load = registry.load
    monkeypatch.setattr(registry, "load", lambda name: loaded.add(name) or load(name))
    for _ in range(2):
        assert organisation.night().outcomes == {("web", "bandit"): "completed"}
    assert loaded == {"bandit"}
