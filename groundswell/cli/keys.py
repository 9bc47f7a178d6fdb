"""What the commands of every kind of key share: a list of them, and an end to one."""

from __future__ import annotations

from collections.abc import Sequence

from groundswell.cli.output import Choices, show, table


def show_keys(choices: Choices, kind: str, columns: Sequence[tuple[str, str]]) -> None:
    """List the keys of a kind; `columns` are (name of the fact, heading)."""
    from groundswell import wiring
    from groundswell.doors import key_facts

    with wiring.opened(choices.config, choices.database) as (_, store), store.read() as queries:
        facts = [key_facts(token) for token in queries.tokens(kind)]
    rows = [[fact[name] or "—" for name, _ in columns] for fact in facts]
    show(choices, facts, table([heading for _, heading in columns], rows))


def end_key(choices: Choices, kind: str, name: str, said: str) -> None:
    """End a key at once. Errors: GroundswellError when there is none of this name."""
    from datetime import UTC, datetime

    from groundswell import wiring
    from groundswell.doors import revoke_key

    with wiring.opened(choices.config, choices.database) as (_, store):
        revoke_key(store, kind, name, by="command line", now=datetime.now(UTC))
    show(choices, {"name": name, "revoked": True}, [f"{said} revoked: {name}"])
