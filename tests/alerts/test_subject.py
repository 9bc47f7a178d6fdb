"""What an incident is called: the thing, and what is wrong with it."""

import pytest

from alerts.subject import title_of
from config.schema import Project
from storage.records import Evidence
from tests.alerts.people import make_project
from tests.make import make_cluster, make_evidence

PROJECT: Project = make_project()


def named(label: str, *keywords: str) -> Evidence:
    return make_evidence(
        cluster=make_cluster(label=label, keywords=keywords),
        products=("q3",),
        issue_classes=(("安全与人身", 20),),
    )


@pytest.mark.parametrize(
    ("evidence", "title"),
    [
        (named("滤芯渗水"), "云雀净水器Q3·滤芯渗水"),
        (named("净水器 Q3", "净水器", "渗水", "地板"), "云雀净水器Q3·渗水、地板"),
        (named("净水器q3", "Q3"), "云雀净水器Q3·安全与人身"),
        (named(""), "云雀净水器Q3·安全与人身"),
    ],
)
def test_title_says_what_is_wrong_and_not_the_name_again(evidence: Evidence, title: str) -> None:
    assert title_of(PROJECT, evidence) == title
