"""What all tables are made of: the metadata they register with and the kinds of columns."""

from __future__ import annotations

import sqlalchemy as sa

from storage.columns import Instant, Words

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def table(name: str, *parts: sa.schema.SchemaItem) -> sa.Table:
    """Make a table."""
    return sa.Table(name, metadata, *parts)


def narrow(name: str, *parts: sa.schema.SchemaItem) -> sa.Table:
    """Make a table whose rows are little wider than their key: SQLite keeps them there, once."""
    return sa.Table(name, metadata, *parts, sqlite_with_rowid=False)


def text(name: str, *, key: bool = False) -> sa.Column[str]:
    """Make a column of text that is never null."""
    return sa.Column(name, Words, primary_key=key, nullable=False)


def count(name: str) -> sa.Column[int]:
    """Make a column of a small whole number."""
    return sa.Column(name, sa.Integer, nullable=False)


def flag(name: str) -> sa.Column[bool]:
    """Make a column of yes or no."""
    return sa.Column(name, sa.Boolean, nullable=False)


def number(name: str, *, key: bool = False) -> sa.Column[int]:
    """Make a column of a large whole number."""
    return sa.Column(name, sa.BigInteger, primary_key=key, autoincrement=False, nullable=False)


def at(name: str, *, optional: bool = False) -> sa.Column[object]:
    """Make a column of an instant."""
    return sa.Column(name, Instant, nullable=optional)
