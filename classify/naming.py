"""A live cluster and the texts of its members in; its face, label and keywords are set anew."""

from __future__ import annotations

from collections.abc import Sequence

from classify.batch import Batch
from classify.labels import choose_face, name_cluster, name_single
from classify.live_cluster import Kept
from classify.live_clusters import LiveCluster, LiveClusters
from classify.reading import Reader
from storage.records import MentionId

NEWEST = 16  # members whose texts are read beside the exemplars'
FACE_STAYS = 1.1  # by so much a new face must be better than the one so far: it must not flicker


def is_due(cluster: LiveCluster) -> bool:
    """Say whether the face left or the size has doubled: names stand still in between."""
    if cluster.representative_id is None or not cluster.labelled_size:
        return True
    return cluster.size >= 2 * cluster.labelled_size


def rename(cluster: LiveCluster, clusters: LiveClusters, reader: Reader, batch: Batch) -> None:
    """Choose face, label and keywords anew; a label given by a person stays."""
    exemplars = clusters.exemplars(cluster)
    face_id = MentionId(exemplars[_face_of(cluster, exemplars, clusters)].mention_id)
    texts = _texts_of(cluster, [MentionId(kept.mention_id) for kept in exemplars], batch)
    cluster.representative_id = face_id
    cluster.labelled_size = cluster.size
    if not texts:
        return
    face = min(list(texts).index(face_id) if face_id in texts else 0, len(texts) - 1)
    told = list(texts.values())
    before = cluster.label
    if not before:  # of a cluster packed while it was alone, only the stored record has the name
        before = name_single(*told[0], reader.segment)
    if len(told) == 1:
        label, cluster.keywords = before, ()
    else:
        label, cluster.keywords = name_cluster(told, face, reader.segment, reader.idf_of, before)
    if not cluster.named_by:
        cluster.label = label
    batch.names[cluster.cluster_id] = cluster.label, cluster.keywords


def _face_of(cluster: LiveCluster, exemplars: Sequence[Kept], clusters: LiveClusters) -> int:
    if len(exemplars) == 1:
        return 0
    likeness = [
        alike * FACE_STAYS if kept.mention_id == cluster.representative_id else alike
        for kept, alike in zip(exemplars, clusters.likeness(cluster), strict=True)
    ]
    return choose_face([kept.member for kept in exemplars], likeness)


def _texts_of(
    cluster: LiveCluster, ids: list[MentionId], batch: Batch
) -> dict[MentionId, tuple[str, str]]:
    """Return title and text of the exemplars (`ids`), then of the newest members."""
    newest = batch.members(cluster.cluster_id, NEWEST) if cluster.size > len(ids) else []
    found = {one.mention.mention_id: one.mention for one in newest}
    found = {**batch.mentions([one for one in ids if one not in found]), **found}
    order = [*ids, *(one.mention.mention_id for one in reversed(newest))]
    return {one: (found[one].title, found[one].text) for one in order if one in found}
