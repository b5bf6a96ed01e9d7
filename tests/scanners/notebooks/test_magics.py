"""IPython's cells as plain Python, every line in its place."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compline.scanners.magics import CannotParse, NotPythonCell, as_python


@pytest.mark.parametrize(
    ("cell", "plain"),
    [
        ("x = 1\n%matplotlib inline\ny = 2", "x = 1\npass\ny = 2"),
        ("!pip install torch", "pass"),
        ("if ready:\n    !ls -l\nelse:\n    %cd ..", "if ready:\n    pass\nelse:\n    pass"),
        ("files = !ls *.txt\nfiles", "files = None\nfiles"),
        ("a, b = %sx echo", "a, b = None"),
        ("open?", "pass"),
        ("model.fit??", "pass"),
        ("?open", "pass"),
        ("%time exec(code)", "exec(code)"),
        ("%timeit -n 10 -r 3 eval(code)", "eval(code)"),
        ("%%time\nexec(code)", "\nexec(code)"),
        ("\n%%capture out\nexec(code)", "\n\nexec(code)"),
        ("!pip install \\\n  torch \\\n  numpy\nx = 1", "pass\n\n\nx = 1"),
        ("%env TOKEN=abc\nprint(1)", "pass\nprint(1)"),
    ],
)
def test_magics_become_python_line_by_line(cell: str, plain: str) -> None:
    assert as_python(cell).source == plain
    assert plain.count("\n") == cell.count("\n")
    ast.parse(plain)


@pytest.mark.parametrize(
    "cell",
    [
        "x = (a\n     % b)",
        'text = """\n%matplotlib inline\n!rm -rf /\n"""',
        "await client.get(url)",
        "return_value = 5 % 3",
        "",
        "# only a comment",
        "for x in y:\n    yield x",
    ],
)
def test_what_is_python_already_is_left_alone(cell: str) -> None:
    assert as_python(cell).source == cell
    assert as_python(cell).replaced == ()


def test_a_percent_sign_in_a_string_beside_a_magic_is_left_alone() -> None:
    cell = 'text = """\n%matplotlib inline\n"""\n%matplotlib inline\nx = (a\n  % b)'
    plain = as_python(cell)
    assert plain.source == 'text = """\n%matplotlib inline\n"""\npass\nx = (a\n  % b)'
    assert plain.replaced == (4,)


@pytest.mark.parametrize("magic", ["bash", "html", "javascript", "writefile x.py", "sql", "R", "!"])
def test_cells_in_other_languages_are_no_python(magic: str) -> None:
    with pytest.raises(NotPythonCell):
        as_python(f"%%{magic}\nx = 1")


@pytest.mark.parametrize("cell", ["def f(:", "print 'Python 2'", "x = [1,\n", "\0"])
def test_what_is_broken_stays_broken(cell: str) -> None:
    with pytest.raises(CannotParse):
        as_python(cell)


def test_many_magics_are_no_hard_work() -> None:
    cell = "\n".join(["!pip install x"] * 500)
    plain = as_python(cell)
    assert plain.source == "\n".join(["pass"] * 500)
    assert plain.replaced == tuple(range(1, 501))


@settings(derandomize=True, max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "x = 1",
                "!ls",
                "%cd",
                "open?",
                "",
                "    y = 2",
                "if x:",
                '"""',
                "a = (",
                ")",
                "%%time",
            ]
        ),
        max_size=8,
    )
)
def test_lines_stay_in_place_or_the_cell_is_refused(lines: list[str]) -> None:
    cell = "\n".join(lines)
    try:
        plain = as_python(cell)
    except (CannotParse, NotPythonCell):
        return
    ast.parse(plain.source)
    new = plain.source.split("\n")
    assert len(new) == len(cell.split("\n"))
    for number, (old, now) in enumerate(zip(cell.split("\n"), new, strict=True), 1):
        assert number in plain.replaced or old == now
