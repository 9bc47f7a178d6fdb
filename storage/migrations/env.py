"""What Alembic runs: migrations on the connection that storage.migrate hands over."""

from __future__ import annotations

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy.types import TypeDecorator

from storage.tables import metadata


def _render(kind: str, item: object, autogen: AutogenContext) -> str | Literal[False]:
    """Write our own column types by their name."""
    if kind == "type" and isinstance(item, TypeDecorator):
        autogen.imports.add("from storage import columns")
        return f"columns.{type(item).__name__}()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_item=_render,
    render_as_batch=True,
    compare_type=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
