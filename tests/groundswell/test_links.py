"""Signed links: what they allow, for how long, and what does not pass for one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import GroundswellError
from groundswell.links import SignedLinks, installation_key
from storage.records import OwnerId
from storage.store import Store
from tests.make import NOW, make_incident

LINKS = SignedLinks("http://console.test:8790/", "a key of this installation")


def token_of(link: str) -> str:
    return link.removeprefix("http://console.test:8790/t/")


def test_a_link_allows_one_action_of_one_person_on_one_incident() -> None:
    incident = make_incident()
    token = token_of(LINKS.action(incident, "ack", OwnerId("linxiao")))

    grant = LINKS.read(token, NOW)

    assert (grant.incident_id, grant.epoch, grant.action, grant.owner_id) == (
        incident.incident_id,
        incident.epoch,
        "ack",
        "linxiao",
    )


def test_a_link_made_twice_is_the_same_to_the_byte() -> None:
    incident = make_incident()

    first = LINKS.action(incident, "ack", OwnerId("linxiao"))

    assert first == LINKS.action(incident, "ack", OwnerId("linxiao"))


def test_a_link_expires_after_seven_days() -> None:
    incident = make_incident(updated_at=NOW)
    token = token_of(LINKS.action(incident, "ack", OwnerId("linxiao")))

    LINKS.read(token, NOW + timedelta(days=6, hours=23))
    with pytest.raises(GroundswellError, match="expired"):
        LINKS.read(token, NOW + timedelta(days=7, seconds=1))


@given(st.text(max_size=80))
def test_what_was_not_signed_here_is_refused_whatever_it_is(token: str) -> None:
    with pytest.raises(GroundswellError, match="not valid"):
        LINKS.read(token, NOW)


def test_a_link_of_another_installation_is_refused() -> None:
    other = SignedLinks("http://console.test:8790", "another key")
    token = token_of(other.action(make_incident(), "ack", OwnerId("linxiao")))

    with pytest.raises(GroundswellError, match="not valid"):
        LINKS.read(token, NOW)


def test_the_key_of_an_installation_is_made_once(store: Store) -> None:
    first = installation_key(store, "link_key")

    assert len(first) >= 32
    assert installation_key(store, "link_key") == first
