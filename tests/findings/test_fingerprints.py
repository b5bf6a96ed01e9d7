"""What changes a fingerprint and what does not."""

from __future__ import annotations

import pytest

from compline.findings.fingerprints import PYTHON_TREE, TOKENS, CodeReader, code_evidence

PLAIN = """\
class Job:
    def run(self, command):
        result = subprocess.run(["sh", "-c", command], shell=True)
        return result
"""

BLACKED = '''\
class Job:

    # starts a shell
    def run(self, command):
        """Runs."""
        result = subprocess.run(
            [
                'sh',
                '-c',  # the command follows
                command,
            ],
            shell=True,
        )
        return (result)
'''


def tree(path: str, text: str, *span: int) -> str | None:
    line, end_line, *columns = span if len(span) > 1 else (span[0], span[0])
    return dict(code_evidence(path, text, line, end_line, *columns).fingerprints).get(PYTHON_TREE)


def words(path: str, text: str, line: int, end_line: int | None = None) -> str | None:
    return dict(CodeReader(path, text).evidence(line, end_line).fingerprints).get(TOKENS)


def test_reformatting_python_changes_nothing() -> None:
    before = code_evidence("job.py", PLAIN, 3, 3)
    after = code_evidence("job.py", BLACKED, 6, 13)
    assert before.symbol == after.symbol == "Job.run"
    assert tree("job.py", PLAIN, 3) == tree("job.py", BLACKED, 6, 13) is not None
    # A tool may give any line of the statement.
    assert tree("job.py", BLACKED, 11) == tree("job.py", PLAIN, 3)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = u'a'", 'x = "a"'),
        ("del (a, b)", "del a, b"),
        ("f('a' 'b')", "f('ab')"),
        ("f(0xFF)", "f(255)"),
        ("return_(yes)", "return_( yes ,)"),
    ],
)
def test_layout_is_not_code(one: str, other: str) -> None:
    assert tree("a.py", one, 1) == tree("a.py", other, 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("f(a)", "f(b)"),
        ("f('a')", "f('b')"),
        ("global a, bc", "global ab, c"),
        ("f(1)", "f(True)"),
        ("f(1)", "f('1')"),
        ("f(a=1)", "f(b=1)"),
        ("f(None)", "f()"),
    ],
)
def test_code_is_code(one: str, other: str) -> None:
    assert tree("a.py", one, 1) != tree("a.py", other, 1)


def test_a_header_stands_without_its_body_and_without_its_name() -> None:
    one = "@route\ndef login(user, password='x'):\n    return 1\n"
    other = "@route\ndef sign_in(user, password='x'):\n    log(user)\n    return 2\n"
    for line in (1, 2):
        assert tree("a.py", one, line) == tree("a.py", other, line)
    assert code_evidence("a.py", one, 2, 2).symbol == "login"
    assert tree("a.py", one, 2) != tree("a.py", one.replace("'x'", "'y'"), 2)


def test_a_handler_is_a_statement_of_its_own() -> None:
    text = "try:\n    a()\nexcept Exception:\n    pass\nfinally:\n    b()\n"
    assert tree("a.py", text, 3, 4) == tree("a.py", text.replace("a()", "c()"), 3, 4)
    assert tree("a.py", text, 3, 4) != tree("a.py", text.replace("Exception", "OSError"), 3, 4)
    assert tree("a.py", text, 6) == tree("a.py", "b()", 1)


def test_columns_choose_on_a_shared_line() -> None:
    text = "exec(a); exec(b)"
    assert tree("a.py", text, 1, 1, 1, 8) == tree("a.py", "exec(a)", 1)
    assert tree("a.py", text, 1, 1, 10, 17) == tree("a.py", "exec(b)", 1)
    assert tree("a.py", text, 1) not in {tree("a.py", "exec(a)", 1), tree("a.py", "exec(b)", 1)}


def test_a_span_over_several_statements_is_all_of_them() -> None:
    text = "def f():\n    a = get()\n    # so\n    run(a)\n    done()\n"
    assert tree("a.py", text, 2, 4) == tree("a.py", text.replace("    # so\n", ""), 2, 3)
    assert tree("a.py", text, 2, 4) not in {tree("a.py", text, 2), tree("a.py", text, 4)}


def test_what_does_not_parse_falls_back_to_words() -> None:
    text = "%pip install x\nexec( a )  # note\n"
    evidence = CodeReader("note.ipynb", text).evidence(2)
    assert [version for version, _ in evidence.fingerprints] == [TOKENS]
    assert evidence.symbol == ""
    assert evidence.fingerprints == CodeReader("b.py", "if\nexec(a)").evidence(2).fingerprints


def test_python_that_parses_has_words_too() -> None:
    versions = [version for version, _ in CodeReader("a.py", PLAIN).evidence(3).fingerprints]
    assert versions == [PYTHON_TREE, TOKENS]
    assert words("a.py", PLAIN, 3) == words("a.py", "def\n" + PLAIN, 4)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5_000,
        "x = " + "[" * 2_000 + "]" * 2_000,
        "x = " + "1+" * 20_000 + "1",
        "x = " + "9" * 5_000,
        "x\0y",
        "x = '\ud800'",
        "if 1:\n" + "".join(f"{' ' * depth}if 1:\n" for depth in range(1, 200)),
    ],
)
def test_hostile_text_is_survived(text: str) -> None:
    evidence = CodeReader("a.py", text).evidence(1)
    assert len(dict(evidence.fingerprints)[TOKENS]) == 32


def test_huge_numbers_are_written_down() -> None:
    assert tree("a.py", "x = 0x" + "F" * 10_000, 1) != tree("a.py", "x = 0x" + "F" * 9_999, 1)


def test_a_span_outside_the_text_has_no_fingerprint() -> None:
    assert CodeReader("a.py", "a = 1\n").evidence(7, 9).fingerprints == ()
    assert CodeReader("a.txt", "").evidence(1).fingerprints == ()
    assert CodeReader("a.txt", "a").evidence(0).fingerprints == ()


def test_lines_end_as_git_and_the_tools_end_them() -> None:
    assert tree("a.py", "a = 1\r\nexec(b)\r\n", 2) == tree("a.py", "exec(b)", 1)
    assert tree("a.py", "a = '\x0c'\nexec(b)\n", 2) == tree("a.py", "exec(b)", 1)
    assert tree("a.py", "\ufeffexec(b)\n", 1) == tree("a.py", "exec(b)", 1)


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        ("Dockerfile", "RUN  curl x | sh", "RUN curl x | sh # why not"),
        ("a.yaml", "key:   value", "key: value  # note"),
        ("a.js", "eval( x ) // no", "/* so */ eval(x)"),
        ("main.tf", 'acl = "public"', 'acl  =  "public" # open'),
        ("a.txt", "a   b", "a b"),
    ],
)
def test_elsewhere_words_count(path: str, one: str, other: str) -> None:
    assert words(path, one, 1) == words(path, other, 1) is not None


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        ("a.sh", 'echo "$#"', 'echo "$"'),
        ("a.css", "color: #fff", "color:"),
        ("a.js", 'get("http://a")', 'get("http://b")'),
        ("a.yaml", "url: a#b", "url: a"),
        ("a.txt", "a # b", "a"),
        ("a.js", "f('a b')", "f('ab')"),
    ],
)
def test_what_only_looks_like_a_comment_counts(path: str, one: str, other: str) -> None:
    assert words(path, one, 1) != words(path, other, 1)


def test_a_shebang_makes_it_python() -> None:
    text = "#!/usr/bin/env python3\nexec( a )\n"
    assert tree("bin/tool", text, 2) == tree("a.py", "exec(a)", 1)
