"""What an incident is about: evidence in; its title and the classes that routes may ask for out."""

from __future__ import annotations

from config.schema import Project
from storage.records import Evidence

# Share of its mentions from which a further class or sub-class is the cluster's own: below it,
# one stray sentence in a large wave would change who is told.
_TELLING = 0.2


def title_of(project: Project, evidence: Evidence) -> str:
    """Return brand, product and what is wrong, as short as people say it."""
    brand = project.brand(evidence.cluster.brand_id)
    name = brand.name if brand else evidence.cluster.brand_id
    product = next(iter(evidence.products), "")
    for line in brand.products if brand else ():
        if product in {line.id, line.name}:
            product = line.name
    subject = product if name in product else name + product
    cluster = evidence.cluster
    said = cluster.label or "、".join(cluster.keywords[:2]) or issue_class_of(evidence)
    wrong = _fault(evidence) or said
    return f"{subject}·{wrong.removeprefix(name) or wrong}"


def _fault(evidence: Evidence) -> str:
    """Return the fault that at least half of the mentions name; one of the thing before service."""
    named = [(name, n) for name, n in evidence.symptoms if 2 * n >= evidence.mentions]
    named.sort(key=lambda one: (one[0].startswith("服务:"), -one[1]))
    return named[0][0].removeprefix("服务:") if named else ""


def issue_class_of(evidence: Evidence) -> str:
    """Return the issue class that most mentions have."""
    return evidence.issue_classes[0][0] if evidence.issue_classes else "其他"


def further_of(evidence: Evidence) -> tuple[str, ...]:
    """Return the further classes and sub-classes that one mention in five has, a route may ask."""
    counted = (*evidence.issue_classes[1:], *evidence.also_classes, *evidence.sub_classes)
    found: dict[str, int] = {}
    for name, n in counted:
        found[name] = found.get(name, 0) + n
    return tuple(name for name, n in found.items() if n >= _TELLING * evidence.mentions)
