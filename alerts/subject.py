"""What an incident is about: evidence in; its title and the classes that routes may ask for out."""

from __future__ import annotations

from config.schema import ProductLine, Project
from storage.records import Evidence

# Share of its mentions from which a further class or sub-class is the cluster's own: below it,
# one stray sentence in a large wave would change who is told.
_TELLING = 0.2


def title_of(project: Project, evidence: Evidence) -> str:
    """Return brand, product and what is wrong, as short as people say it."""
    brand = project.brand(evidence.cluster.brand_id)
    name = brand.name if brand else evidence.cluster.brand_id
    line = product_of(project, evidence)
    product = line.name if line else next(iter(evidence.products), "")
    subject = product if name in product else name + product
    cluster = evidence.cluster
    words = [word for word in cluster.keywords if not _is_name(word, subject)]
    label = "" if _is_name(cluster.label, subject) else cluster.label
    said = label or "、".join(words[:2]) or issue_class_of(evidence)
    wrong = _fault(evidence) or said
    return f"{subject}·{_apart(wrong.removeprefix(name) or wrong, subject)}"


def _is_name(said: str, subject: str) -> bool:
    """Say whether words only name the thing again: "养生壶K2" of "澜禾养生壶 K2"."""
    return "".join(said.split()).casefold() in "".join(subject.split()).casefold()


def _apart(wrong: str, subject: str) -> str:
    """Return what is wrong without the name that it begins with: a locked phone has 40 characters.

    "养生壶 K2 底座冒烟" of "澜禾养生壶 K2" is "底座冒烟".
    """
    for start in range(len(subject) - 1):
        rest = wrong.removeprefix(subject[start:])
        if rest != wrong:
            return rest.strip(" ·、，") or wrong
    return wrong


def product_of(project: Project, evidence: Evidence) -> ProductLine | None:
    """Return the product that a cluster is about, None when it names none that is known."""
    brand = project.brand(evidence.cluster.brand_id)
    product = next(iter(evidence.products), "")
    lines = brand.products if brand else ()
    return next((line for line in lines if product in {line.id, line.name}), None)


def fingerprint_of(project: Project, evidence: Evidence) -> str:
    """Return by what a relapse is recognised: brand, product and the kind of trouble.

    The kind is the fault that at least half of the mentions name, whatever their issue class (the
    same leak is told as a refund one day and as a repair the next), else class and sub-class. ""
    when neither stands out: brand, product and class alone would call two troubles one.
    """
    kind = _fault(evidence)
    if not kind and (sub := _sub_class(evidence)):
        kind = f"{issue_class_of(evidence)}/{sub}"
    if not kind:
        return ""
    line = product_of(project, evidence)
    product = line.id if line else next(iter(evidence.products), "")
    return f"{evidence.cluster.brand_id}|{product}|{kind}"


def _sub_class(evidence: Evidence) -> str:
    """Return the sub-class that at least half of the mentions have."""
    return next((name for name, n in evidence.sub_classes if 2 * n >= evidence.mentions), "")


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
