"""What reaches what, followed through any number of links."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from compline.findings.graph import Graph
from compline.findings.risk import RiskPolicy
from compline.model import Link

CODE, IMAGE = (
    Link("repository/a", "image/b", "is built into"),
    Link("image/b", "endpoint/c", "runs"),
)
DATA = Link("dataset/d", "model/m", "trained")
NAMES = st.sampled_from("abcdef")
LINKS = st.lists(st.builds(Link, NAMES, NAMES, st.just("reaches")), max_size=20)


def test_the_way_is_told() -> None:
    graph = Graph([IMAGE, CODE, DATA, CODE])
    assert [(one.asset, one.path) for one in graph.reach("repository/a")] == [
        ("image/b", (CODE,)),
        ("endpoint/c", (CODE, IMAGE)),
    ]
    assert [(one.asset, one.path) for one in graph.origin("endpoint/c")] == [
        ("image/b", (IMAGE,)),
        ("repository/a", (CODE, IMAGE)),
    ]
    assert graph.reach("endpoint/c") == ()
    assert graph.reach("nothing") == ()
    assert graph.links == (DATA, IMAGE, CODE)


def test_the_shortest_way_counts() -> None:
    direct = Link("repository/a", "endpoint/c", "runs")
    assert [one.path for one in Graph([CODE, IMAGE, direct]).reach("repository/a")] == [
        (direct,),
        (CODE,),
    ]


@settings(derandomize=True, max_examples=200)
@given(LINKS)
def test_reach_is_what_can_be_walked_to_and_back(links: list[Link]) -> None:
    graph = Graph(links)
    for start in "abcdef":
        near = {start}
        while True:
            more = {link.destination for link in links if link.source in near} | near
            if more == near:
                break
            near = more
        assert {one.asset for one in graph.reach(start)} == near - {start}
        for one in graph.reach(start):
            assert one.path[0].source == start
            assert one.path[-1].destination == one.asset
            assert all(
                a.destination == b.source for a, b in zip(one.path, one.path[1:], strict=False)
            )
            assert start in {back.asset for back in graph.origin(one.asset)}


@settings(derandomize=True, max_examples=200)
@given(LINKS, st.sets(NAMES))
def test_what_reaches_one_of_many_is_what_each_reaches(links: list[Link], marked: set[str]) -> None:
    graph = Graph(links)
    expected = {start for start in "abcdef" if {one.asset for one in graph.reach(start)} & marked}
    assert graph.reaching(marked) == expected


def test_a_long_chain_that_ends_in_its_beginning() -> None:
    names = [f"a{number:05}" for number in range(10_000)]
    chain = [Link(a, b, "reaches") for a, b in zip(names, [*names[1:], names[0]], strict=True)]
    graph = Graph(chain)
    began = time.monotonic()
    reached = graph.reach(names[0])
    assert [one.asset for one in reached] == names[1:]
    assert reached[-1].path == tuple(chain[:-1])
    assert graph.origin(names[0])[-1].path == tuple(chain[1:])
    assert graph.reaching(names[:5000]) == set(names)
    assert graph.reaching(names[:1]) == set(names[1:])
    assert time.monotonic() - began < 2


def test_what_it_reaches_raises_the_exposure() -> None:
    policy = RiskPolicy(exposure={"internet": 3, "internal": 1})
    assert policy.exposed({"exposure": "internal"}) == 1
    assert policy.exposed({"exposure": "internal"}, ["internet"]) == 3
    assert policy.exposed({"exposure": "internet"}, ["internal", "odd"]) == 3
