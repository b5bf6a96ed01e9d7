"""Tools' lines as places with code evidence; credentials leave no trace in it."""

from __future__ import annotations

from compline.findings.fingerprints import PYTHON_TREE, TOKENS
from compline.model import Place
from compline.scanners.blobs.analysis import Piece, Section
from compline.scanners.blobs.spans import PieceText, Span

CODE = b"""import os

class Store:
    def load(self, name):
        return eval(
            name
        )
"""


def test_a_plain_file() -> None:
    place, fingerprints = PieceText(Piece(".py", CODE), "b10b").locate(Span(5, 7, 16, 10), ())
    assert place == Place("", 5, 7, 16, 10, None, "Store.load", "b10b", place.scope)
    assert len(place.scope) == 16
    assert [version for version, _ in fingerprints] == [PYTHON_TREE, TOKENS]


def test_layout_does_not_matter_and_code_does() -> None:
    def evidence(code: bytes, line: int) -> object:
        return PieceText(Piece(".py", code), "b").locate(Span(line, line), ())[1][0]

    moved = b"# new\n\n" + CODE.replace(b"eval(\n            name\n        )", b"eval( name )")
    assert evidence(CODE, 5) == evidence(moved, 7)
    assert evidence(CODE, 5) != evidence(CODE.replace(b"name\n", b"path\n"), 5)


def test_of_a_credential_only_its_surroundings_are_hashed() -> None:
    def evidence(code: str, suffix: str, cwe: tuple[str, ...]) -> object:
        return PieceText(Piece(suffix, code.encode()), "b").locate(Span(1, 1, 3, 9), cwe)[1]

    for suffix, before, after in (
        (".py", "password = 'hunter2'\n", "password = 'letmein-now'\n"),
        (".py", 'key = """a\nb"""\n', 'key = """c\nd"""\n'),
        (".js", "const key = `secret`;\n", "const key = `other`;\n"),
        (".yaml", "key: sk-proj-abcdefghijklmnop\n", "key: sk-proj-qrstuvwxyzabcdefgh\n"),
        (".dockerfile", "ENV KEY=abcdefghijklmnop0\n", "ENV KEY=qrstuvwxyzabcdef1\n"),
    ):
        for cwe in ("CWE-259", "CWE-798", "CWE-321"):
            assert evidence(before, suffix, (cwe,)) == evidence(after, suffix, (cwe,))
        assert evidence(before, suffix, ("CWE-78",)) != evidence(after, suffix, ("CWE-78",))
    first = evidence("password = 'hunter2'\n", ".py", ("CWE-259",))
    assert first != evidence("passphrase = 'hunter2'\n", ".py", ("CWE-259",))
    assert first


def test_masking_keeps_the_lines_of_the_file() -> None:
    code = b'text = """one\ntwo\nthree"""\ndef f():\n    password = "x"\n'
    place, _ = PieceText(Piece(".py", code), "b").locate(Span(5, 5), ("CWE-259",))
    assert (place.line, place.symbol) == (5, "f")


def test_lines_of_a_notebook() -> None:
    sections = (Section(1, 2, cell=2, line=1), Section(3, 3, cell=5, line=1))
    code = b"import os\nx = 1\ndef f():\n    eval(x)\n    pass\n"
    text = PieceText(Piece(".py", code, sections), "b")
    place, fingerprints = text.locate(Span(4, 9, 5, 12), ())
    assert place == Place("", 2, 3, 5, None, 5, "f", "b", place.scope)
    same = PieceText(Piece(".py", b"def f():\n    eval(x)\n    pass\n"), "b")
    assert fingerprints == same.locate(Span(2, 3), ())[1]


def test_lines_of_a_notebook_that_are_no_source() -> None:
    sections = (Section(2, 1, cell=3, line=None), Section(3, 1, cell=4, line=7))
    text = PieceText(Piece(".json", b'[\n"out",\n"in"\n]\n', sections), "b")
    assert text.locate(Span(2, 2, 1, 5), ())[0] == Place(cell=3, blob="b")
    place, fingerprints = text.locate(Span(3, 3, 1, 4), ())
    assert (place.cell, place.line, place.end_line) == (4, 7, 7)
    assert fingerprints
