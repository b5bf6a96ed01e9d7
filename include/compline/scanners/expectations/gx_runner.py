"""Runs bound suites by Great Expectations' own API, in process, over pandas frames."""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from compline.model import digest_of
from compline.scanners.expectations.suite import Expectation

if TYPE_CHECKING:
    from pandas import DataFrame, Series


class CannotJudge(Exception):
    """An expectation raised, or looked at other rows than it was given; names it."""


@dataclass(frozen=True)
class Judged:
    """What one expectation said of its frame."""

    expectation: Expectation
    looked_at: int
    """Rows that met its condition."""
    unexpected: tuple[int, ...]
    """Numbers of the rows that are not as expected; empty also where `whole` is True."""
    empty: tuple[int, ...]
    """Rows whose value, or whose condition's value, is missing: never as expected."""
    whole: bool = False
    """The expectation is about the frame as a whole, and it does not hold."""
    observed: str = ""
    """What was observed instead, for expectations about the whole frame."""


def versions() -> dict[str, str]:
    """Versions of what decides over a verdict, without importing it."""
    from importlib.metadata import version

    return {name: version(name) for name in ("great-expectations", "pandas", "numpy")}


def judge(frame: DataFrame, expectations: Sequence[Expectation]) -> list[Judged]:
    """Holds the expectations against the frame, in their order.

    Raises:
        CannotJudge: Great Expectations does not know one, or one raised.
    """
    if not expectations:
        return []
    for expectation in expectations:
        missing = sorted(expectation.columns - set(frame.columns))
        if missing:
            raise CannotJudge(
                f"expectation {expectation.id}: frame {expectation.frame} has no column "
                f"{', '.join(missing)}; it has {', '.join(frame.columns)}"
            )
    gx, classes, column_of = _great_expectations()
    judged: dict[int, Judged] = {}
    asked: dict[str, Any] = {}
    for number, expectation in enumerate(expectations):
        question = _question(expectation)
        instance = _instance(classes, column_of, expectation, question)
        given, unknown = _given(frame, expectation)
        if _is_about_rows(instance) and not given.any():
            # Each question costs some 50 ms; to ask it of no rows at all would tell nothing.
            judged[number] = Judged(expectation, 0, (), _numbers(unknown))
        else:
            # A suite of Great Expectations drops what is asked twice, whatever its meta.
            asked[question] = instance
    if asked:
        answers = _run(gx, list(asked.values()), frame)
        for number, expectation in enumerate(expectations):
            if number not in judged:
                answer = answers.get(_question(expectation))
                judged[number] = _read(answer, expectation, frame)
    return [judged[number] for number in range(len(expectations))]


def _question(expectation: Expectation) -> str:
    return digest_of([expectation.expect, expectation.kwargs, expectation.row_condition])


def _run(gx: Any, asked: Sequence[Any], frame: DataFrame) -> dict[str, Any]:
    context = _context(gx)
    batch = (
        context.data_sources.add_pandas("inventory")
        .add_dataframe_asset("frame")
        .add_batch_definition_whole_dataframe("all")
    )
    # Neither suite nor result is for the context to keep, which would take a third of the time.
    suite = gx.ExpectationSuite("suite", expectations=list(asked))
    result = batch.get_batch({"dataframe": frame}).validate(
        suite, result_format={"result_format": "COMPLETE"}
    )
    return {item.expectation_config.meta["question"]: item for item in result.results}


def _great_expectations() -> tuple[Any, Any, Any]:
    """The package, its expectation classes and its Column: some seconds at the first call."""
    # Nothing of ours may be sent anywhere; 1.24 has no telemetry, earlier and later ones do.
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with _collecting_no_garbage(), warnings.catch_warnings():
        # Its modules import deprecated ones of the standard library (sre_constants).
        warnings.simplefilter("ignore")
        # A third of the time goes into scipy's statistics, which only its tests of distributions
        # use; one that is asked still finds them.
        _postpone("scipy.stats")
        import great_expectations
        from great_expectations import expectations
        from great_expectations.expectations.row_conditions import Column
    return great_expectations, expectations, Column


@contextmanager
def _collecting_no_garbage() -> Iterator[None]:
    """Hundreds of classes are made, and all stay: looking for garbage among them is in vain."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _postpone(name: str) -> None:
    """Has a module run at the first use of something in it, and not when it is imported."""
    if name in sys.modules:
        return
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        return
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)


def _context(gx: Any) -> Any:
    """A context in memory: no documentation site on disk, no progress bars."""
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
        analytics_enabled=False,
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def _instance(classes: Any, column_of: Any, expectation: Expectation, question: str) -> Any:
    known = getattr(classes, expectation.expect, None)
    if not isinstance(known, type):
        raise CannotJudge(
            f"expectation {expectation.id}: Great Expectations has no {expectation.expect}"
        )
    condition = None
    for column, wanted in expectation.row_condition.items():
        part = (
            column_of(column).is_in(wanted)
            if isinstance(wanted, list)
            else column_of(column) == wanted
        )
        condition = part if condition is None else condition & part
    extra: dict[str, Any] = {} if condition is None else {"row_condition": condition}
    try:
        return known(**expectation.kwargs, **extra, meta={"question": question})
    except (TypeError, ValueError) as error:
        # pydantic 1's ValidationError is a ValueError; its text names the argument.
        text = " ".join(str(error).split())
        raise CannotJudge(f"expectation {expectation.id}: {text[:300]}") from error


def _is_about_rows(instance: Any) -> bool:
    from great_expectations.expectations.expectation import (
        ColumnMapExpectation,
        ColumnPairMapExpectation,
        MulticolumnMapExpectation,
    )

    kinds = (ColumnMapExpectation, ColumnPairMapExpectation, MulticolumnMapExpectation)
    return isinstance(instance, kinds)


def _read(answer: Any, expectation: Expectation, frame: DataFrame) -> Judged:
    if answer is None:
        raise CannotJudge(f"expectation {expectation.id} gave no result")
    raised = _exception_message(answer.exception_info)
    if raised is not None:
        raise CannotJudge(f"expectation {expectation.id} raised: {' '.join(raised.split())[:300]}")
    result = answer.result
    given, unknown = _given(frame, expectation)
    looked_at = int(given.sum())
    if "element_count" not in result:
        observed = str(result.get("observed_value", ""))[:200]
        return Judged(expectation, looked_at, (), (), whole=not answer.success, observed=observed)
    if result["element_count"] != looked_at:
        raise CannotJudge(
            f"expectation {expectation.id} looked at {result['element_count']} of {looked_at} rows"
        )
    unexpected = tuple(int(number) for number in result.get("unexpected_index_list") or ())
    if len(unexpected) != int(result["unexpected_count"]) or not set(unexpected) <= set(
        frame.index[given]
    ):
        raise CannotJudge(f"expectation {expectation.id} does not say which rows it means")
    # Great Expectations passes over missing values in silence; here they are no better than
    # wrong ones, unless the expectation is about missing values itself.
    empty = unknown
    if "Null" not in expectation.expect:
        for column in expectation.asked_columns:
            empty |= given & frame[column].isna()
    return Judged(expectation, looked_at, unexpected, _numbers(empty))


def _given(frame: DataFrame, expectation: Expectation) -> tuple[Series[bool], Series[bool]]:
    """The rows that the condition selects, and those of which it cannot be said."""
    import pandas

    given = pandas.Series(True, index=frame.index)
    unknown = pandas.Series(False, index=frame.index)
    for column, wanted in expectation.row_condition.items():
        values = wanted if isinstance(wanted, list) else [wanted]
        unknown |= frame[column].isna()
        given &= frame[column].isin(values)
    return given, unknown


def _numbers(mask: Series[bool]) -> tuple[int, ...]:
    return tuple(int(number) for number in mask.index[mask])


def _exception_message(info: Mapping[str, Any] | None) -> str | None:
    """Great Expectations nests what was raised per metric, or has it at the top."""
    if not info:
        return None
    if "raised_exception" in info:
        return str(info.get("exception_message")) if info["raised_exception"] else None
    return next(iter(_messages(info.values())), None)


def _messages(parts: Iterable[Any]) -> Iterable[str]:
    for part in parts:
        if isinstance(part, Mapping):
            message = _exception_message(part)
            if message is not None:
                yield message
