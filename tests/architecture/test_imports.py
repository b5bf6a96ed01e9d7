"""The house's levels: imports point down only, and packages on one level do not know each other."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "include" / "compline"
LEVELS = (
    ("kinds", "links"),
    ("model",),
    ("codec", "collector"),
    ("config",),
    ("findings", "controls"),
    ("source", "store", "evidence", "tools", "advisories"),
    ("targets", "scanners", "alerts", "reports"),
    ("pipeline", "web"),
    ("cli", "demo"),
)
# cli/common.py knows where the demo is; the demo itself imports nothing of ours above its folder.
SAME_LEVEL = {("cli", "demo")}
LEVEL = {name: level for level, names in enumerate(LEVELS) for name in names}


def imports(path: Path) -> Iterator[str]:
    """Every absolute module that a file imports, at whatever depth."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def library_files() -> list[Path]:
    content = LIBRARY / "demo" / "content"
    return [p for p in sorted(LIBRARY.rglob("*.py")) if content not in p.parents]


def package_of(path: Path) -> str:
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


def broken_rules(path: Path) -> list[str]:
    own = package_of(path)
    if own == "__init__":
        return []
    problems = []
    for module in imports(path):
        if module == "airflow" or module.startswith("airflow."):
            problems.append(f"{own} imports airflow")
        if not module.startswith("compline."):
            continue
        other = module.split(".")[1]
        if other == own or other not in LEVEL or (own, other) in SAME_LEVEL:
            continue
        if LEVEL[other] >= LEVEL[own]:
            problems.append(f"{path.relative_to(ROOT)} ({own}) imports {module}")
    return problems


def test_every_package_has_a_level() -> None:
    packages = {package_of(path) for path in library_files()} - {"__init__"}
    assert packages <= set(LEVEL), packages - set(LEVEL)


@pytest.mark.parametrize("path", library_files(), ids=lambda p: str(p.relative_to(LIBRARY)))
def test_imports_point_down(path: Path) -> None:
    assert broken_rules(path) == []


def test_the_check_can_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = LIBRARY / "model_that_is_not_there.py"
    monkeypatch.setattr(Path, "read_text", lambda *_a, **_k: "import airflow\n")
    assert broken_rules(bad) == ["model_that_is_not_there imports airflow"]


@pytest.mark.parametrize("path", sorted((ROOT / "dags").glob("*.py")), ids=lambda p: p.name)
def test_dag_files_import_little_at_module_level(path: Path) -> None:
    allowed = {"compline_airflow.dagspec", "compline_airflow.flow"}
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {node.module for node in top if isinstance(node, ast.ImportFrom)}
    assert {m for m in modules if m and m.startswith("compline")} <= allowed


def test_modules_stay_small() -> None:
    lengths = {p: len(p.read_text(encoding="utf-8").splitlines()) for p in library_files()}
    assert {str(p): n for p, n in lengths.items() if n > 300} == {}
