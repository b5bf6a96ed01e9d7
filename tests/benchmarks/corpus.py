"""Repositories to measure on: given ones, or made from the packages that are installed."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

SEED = 20261123
# Of middling size: the naive loop over six of them takes minutes, three times over.
_PACKAGES = (
    "rich", "fastapi", "alembic", "pydantic", "hypothesis", "httpx",
    "jinja2", "starlette", "cryptography", "sqlalchemy", "pandas", "airflow",
)  # fmt: skip
_REQUIREMENTS = (
    "werkzeug==0.11\nflask==2.0.0\n",
    "pyyaml==5.3\n",
    "gradio==3.30.0\nmlflow==2.0.1\n",
)
_GIT = ("git", "-c", "user.name=Bench", "-c", "user.email=bench@example.org", "-c", "gc.auto=0")


def git(repository: Path, *arguments: str) -> str:
    """Output of a git command in a repository."""
    done = subprocess.run(
        [*_GIT, "-C", repository, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


def given(folder: Path, into: Path) -> list[Path]:
    """Own clones of the repositories in a folder (each a work tree, a bare one, or NAME/repo)."""
    found = []
    for entry in sorted(folder.iterdir()):
        for candidate in (entry, entry / "repo"):
            if (candidate / "HEAD").exists() or (candidate / ".git").exists():
                clone = into / entry.name.replace("+", "--")
                subprocess.run(
                    ["git", "clone", "--quiet", "--no-hardlinks", "--depth", "1",
                     f"file://{candidate.resolve()}", clone],
                    check=True,
                )  # fmt: skip
                found.append(clone)
                break
    if not found:
        raise SystemExit(f"{folder} holds no git repositories")
    return found


def made(into: Path, count: int = len(_PACKAGES)) -> list[Path]:
    """One repository per installed package, with a requirements file and a Dockerfile each."""
    import sqlalchemy

    site = Path(sqlalchemy.__file__).parents[1]
    repositories = []
    for number, name in enumerate(_PACKAGES[:count]):
        repository = into / name
        shutil.copytree(
            site / name,
            repository / "src" / name,
            ignore=shutil.ignore_patterns("*.so", "__pycache__", "*.pyc", "static", "node_modules"),
        )
        (repository / "requirements.txt").write_text(_REQUIREMENTS[number % 3])
        (repository / "Dockerfile").write_text("FROM python:3.11\nCOPY . /app\n")
        git_init(repository)
        repositories.append(repository)
    return repositories


def git_init(repository: Path) -> None:
    """Makes a folder a repository with everything in its first commit."""
    git(repository, "init", "--quiet", "--initial-branch=main")
    commit(repository, "first")


def commit(repository: Path, message: str) -> None:
    """Commits everything, whatever ignore files say."""
    git(repository, "add", "--all", "--force")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", message)


def change(repositories: Sequence[Path], share: float, seed: int) -> int:
    """Changes a share of all Python files, all in one third of the repositories; how many."""
    chooser = random.Random(seed)
    third = chooser.sample(list(repositories), max(1, len(repositories) // 3))
    everything = sum(len(python_files(repository)) for repository in repositories)
    candidates = [(r, path) for r in third for path in python_files(r)]
    chosen = chooser.sample(candidates, min(len(candidates), max(1, int(everything * share))))
    for number, (_, path) in enumerate(chosen):
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n\ndef bench_{seed}_{number}(text):\n    return eval(text)\n")
    for repository in {r for r, _ in chosen}:
        commit(repository, f"change {seed}")
    return len(chosen)


def python_files(repository: Path) -> list[Path]:
    """The tracked Python files that are plain UTF-8 text, sorted."""
    names = git(repository, "ls-files", "-z", "--", "*.py").split("\0")
    paths = [repository / name for name in names if name]
    return [p for p in paths if p.is_file() and not p.is_symlink()]
