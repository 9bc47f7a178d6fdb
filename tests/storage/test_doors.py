from dataclasses import replace
from datetime import timedelta

from storage.records import AccessToken, Attachment, ColumnMapping, MentionId
from storage.store import Store
from tests.make import NOW, make_raw

TOKEN = AccessToken(
    token_hash="a" * 64, kind="push", name="crm", created_at=NOW, created_by="admin", region="上海"
)
MAPPING = ColumnMapping(
    name="售后周报",
    headers=("甲", "乙"),
    columns={"乙": "text"},
    source="售后",
    channel="internal",
    saved_at=NOW,
    saved_by="linxiao",
)


def test_a_token_is_used_while_it_is_good_and_its_name_is_free_once_it_is_revoked(
    store: Store,
) -> None:
    again = replace(TOKEN, token_hash="b" * 64)
    with store.transaction() as tx:
        assert tx.add_token(TOKEN)
        assert not tx.add_token(again)
        used = tx.use_token(TOKEN.token_hash, NOW)
        assert used == replace(TOKEN, last_used_at=NOW, uses=1)
        assert tx.revoke_token("push", "crm", NOW)
        assert not tx.revoke_token("push", "crm", NOW)
        assert tx.use_token(TOKEN.token_hash, NOW) is None
        assert tx.add_token(again)
    with store.read() as queries:
        assert queries.token(TOKEN.token_hash, NOW) is None
        assert queries.token(again.token_hash, NOW) == again
        assert queries.tokens("push") == [again]
        assert queries.tokens("reporter") == []


def test_a_token_ends_at_its_hour(store: Store) -> None:
    ending = replace(TOKEN, expires_at=NOW + timedelta(hours=1))
    with store.transaction() as tx:
        tx.add_token(ending)
    with store.read() as queries:
        assert queries.token(ending.token_hash, NOW) == ending
        assert queries.token(ending.token_hash, NOW + timedelta(hours=1)) is None


def test_a_mapping_comes_back_as_it_was_saved_and_is_overwritten_by_its_name(store: Store) -> None:
    with store.transaction() as tx:
        tx.save_mapping(MAPPING)
        tx.save_mapping(replace(MAPPING, name="旧", saved_at=NOW - timedelta(days=1)))
        tx.save_mapping(replace(MAPPING, columns={"甲": "text"}))
    with store.read() as queries:
        assert queries.mapping("售后周报") == replace(MAPPING, columns={"甲": "text"})
        assert [one.name for one in queries.mappings()] == ["售后周报", "旧"]
    with store.transaction() as tx:
        assert tx.drop_mapping("旧")
        assert not tx.drop_mapping("旧")


def test_pictures_stay_as_they_first_came(store: Store) -> None:
    with store.transaction() as tx:
        [(_, mention_id)] = tx.keep([make_raw(1)], NOW)
        assert mention_id is not None
        picture = Attachment(
            mention_id=mention_id, n=1, media_type="image/png", sha256="0", body=b"\x89", at=NOW
        )
        tx.add_attachments([picture, replace(picture, n=2, body=b"ab")])
        tx.add_attachments([replace(picture, body=b"other")])
    with store.read() as queries:
        assert queries.attachments(mention_id) == [(1, "image/png", 1), (2, "image/png", 2)]
        assert queries.attachment(mention_id, 1) == picture
        assert queries.attachment(mention_id, 3) is None
        assert queries.attachments(MentionId(99)) == []
        assert queries.is_waiting(mention_id)
        known = queries.mention_like(make_raw(1))
        assert known is not None
        assert known.mention_id == mention_id
        assert queries.mention_like(make_raw(2)) is None
