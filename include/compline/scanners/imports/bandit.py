"""bandit's JSON of another place, by the code that reads our own."""

from __future__ import annotations

from dataclasses import replace

from compline.model import Gap, Observation
from compline.scanners.bandit.report import observations, read_answers
from compline.scanners.blobs.analysis import Distrusted
from compline.scanners.imports.report import Broken, Json, Reading, Settings
from compline.scanners.imports.sources import Sources

SHAPE = {
    "generated_at": True,
    "errors": [{"filename": True, "reason": True}],
    "metrics": {"*": {"loc": True, "nosec": True, "skipped_tests": True}},
    "results": [
        {
            "filename": True,
            "test_id": True,
            "test_name": True,
            "issue_severity": True,
            "issue_confidence": True,
            "issue_cwe": {"id": True},
            "line_number": True,
            "line_range": [True],
            "col_offset": True,
            "end_col_offset": True,
            "more_info": True,
        }
    ],
}


def read(document: Json, sources: Sources, _settings: Settings) -> list[Reading]:
    """What the report says.

    Raises:
        Broken: parts of it are missing, or it speaks of another tree.
    """
    try:
        answers = read_answers(document)
    except Distrusted as error:
        raise Broken(f"bandit's report is not whole: {error}") from None
    sources.settle(answers)
    found: list[Observation] = []
    gaps: list[Gap] = []
    try:
        for name, answer in answers.items():
            path = sources.path(name)
            made = observations(sources.blob(path), sources.piece(path), answer)
            found += [
                replace(each, scanner="import:bandit", place=replace(each.place, path=path))
                for each in made
            ]
            gaps += [Gap(gap.reason, path, gap.detail) for gap in answer.gaps]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise Broken(f"a result of bandit's report is not whole ({type(error).__name__})") from None
    return [Reading("bandit", "", tuple(dict.fromkeys(found)), tuple(dict.fromkeys(gaps)))]
