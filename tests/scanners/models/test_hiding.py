"""A pickle that would run a command, in each place where one can hide: found, or a gap."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import hostile_models as hostile
import pytest
from model_folders import Models

from compline.model import Completed, Look, Severity
from compline.scanners.interface import ScanContext
from compline.tools.toolbox import Toolbox

BAD = "unsafe-deserialisation"
BOTH = [
    "beside.weights",
    "dump.dill",
    "inner.zip",
    "late.pkl",
    "legacy.pth",
    "model.7z",
    "model.bin",
    "model.dat",
    "noname.weights",
    "objects.npy",
    "objects.npz",
    "plain.joblib",
    "protocol0.pkl",
    "protocol2.pickle",
    "protocol4.pkl",
    "renamed.pth",
    "second.pkl",
    "torch.ckpt",
    "torch.pt",
]
"""Found by both tools."""
ONLY_MODELAUDIT = [
    "bz2.joblib",
    "gzip.joblib",
    "gzip.pkl.gz",
    "hidden.7z",
    "model.nemo",
    "model.tar",
    "model.tar.gz",
    "nested.zip",
    "nested3.zip",
    "targz-in.zip",
    "xz.joblib",
    "zip-in.tar",
    "zlib.joblib",
]
"""Found by modelaudit alone; where picklescan opens files of this name, it admits a gap."""
NOT_ASKED = {"gzip.pkl.gz", "model.nemo", "model.tar", "model.tar.gz", "zip-in.tar"}
"""Names that picklescan is not asked about: it cannot open them at all."""
OTHERWISE = {
    "lambda.keras": "code-in-model",
    "lambda.h5": "code-in-model",
    "up.onnx": "path-escape",
}
"""Found by modelaudit as something else than a pickle."""
CLEAN = tuple(hostile.clean_files())
DOUBTFUL = (*hostile.doubtful_files(), "locked.7z")

Told = Mapping[str, tuple[set[str], set[str]]]
"""File to rules and gaps."""


@pytest.fixture(scope="module")
def looks(
    tmp_path_factory: pytest.TempPathFactory,
    new_scene: Callable[..., object],
    tools: Callable[..., Toolbox],
) -> dict[str, Look]:
    """One look of each tool at everything."""
    scene = new_scene()
    toolbox = tools("modelaudit", "picklescan", "model-signing")
    context: Callable[..., ScanContext] = scene.context  # type: ignore[attr-defined]
    folder = tmp_path_factory.mktemp("hidden") / "fraud"
    models = Models(folder, context, toolbox)
    python = toolbox.get("modelaudit").home / "bin" / "python"
    models.put("bad", {**hostile.plain_files(), "bad.pkl": hostile.bad()})
    for code in (hostile.SEVEN_ZIP, hostile.SEVEN_ZIP_HIDDEN, hostile.LAMBDA_H5):
        hostile.by_tool(python, code, folder / "bad")
    models.put("doubt", {**hostile.doubtful_files(), "bad.pkl": hostile.bad()})
    hostile.by_tool(python, hostile.SEVEN_ZIP_PASSWORD, folder / "doubt")
    models.put("clean", hostile.clean_files())
    return {name: models.look(name) for name in ("modelaudit", "picklescan")}


@pytest.fixture(scope="module")
def told(looks: dict[str, Look]) -> dict[str, Told]:
    """By tool and file name."""
    found: dict[str, Told] = {}
    for scanner, look in looks.items():
        outcome = look.outcome
        assert isinstance(outcome, Completed), outcome
        by_file: defaultdict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
        for each in outcome.observations:
            by_file[each.place.path.rpartition("/")[2]][0].add(each.rule)
        for gap in outcome.gaps:
            by_file[gap.path.rpartition("/")[2]][1].add(gap.reason.value)
        found[scanner] = by_file
    return found


@pytest.mark.parametrize("name", sorted(BOTH))
def test_both_tools_find_it(name: str, told: dict[str, Told]) -> None:
    assert told["modelaudit"][name][0] == {BAD}
    assert told["picklescan"][name][0] == {BAD}


@pytest.mark.parametrize("name", sorted(ONLY_MODELAUDIT))
def test_modelaudit_finds_it_and_picklescan_does_not_call_it_clean(
    name: str, told: dict[str, Told]
) -> None:
    assert told["modelaudit"][name][0] == {BAD}
    rules, gaps = told["picklescan"][name]
    assert not rules
    assert bool(gaps) is (name not in NOT_ASKED)


@pytest.mark.parametrize(("name", "rule"), OTHERWISE.items())
def test_code_without_a_pickle_is_found(name: str, rule: str, told: dict[str, Told]) -> None:
    assert rule in told["modelaudit"][name][0]


def test_weights_in_another_file_are_a_gap_of_the_file_that_names_them(
    told: dict[str, Told],
) -> None:
    assert told["modelaudit"]["beside.onnx"] == (set(), {"unparsed", "unsupported"})


@pytest.mark.parametrize("name", DOUBTFUL)
def test_what_cannot_be_looked_into_is_never_clean(name: str, told: dict[str, Told]) -> None:
    assert told["modelaudit"][name][1], "modelaudit admits no gap"
    assert "secret-in-model" not in told["modelaudit"][name][0]


@pytest.mark.parametrize("name", CLEAN)
def test_plain_files_are_clean_for_both(name: str, told: dict[str, Told]) -> None:
    assert told["modelaudit"][name] == (set(), set())
    assert told["picklescan"][name] == (set(), set())


def test_nothing_was_loaded(looks: dict[str, Look]) -> None:
    assert looks
    assert not Path("/tmp", hostile.MARK).exists()


def test_what_runs_code_is_critical_and_says_which_import(looks: dict[str, Look]) -> None:
    for look in looks.values():
        assert isinstance(look.outcome, Completed)
        (found,) = (
            each for each in look.outcome.observations if each.subject == "fraud/bad/torch.pt"
        )
        assert found.severity is Severity.CRITICAL
        assert dict(found.details)["imports"] == "posix.system"
        assert found.cwe == ("CWE-502",)
