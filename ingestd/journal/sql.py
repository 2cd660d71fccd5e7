"""The few shapes of statements: names come from this package, values are always placeholders."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sized


def places(values: Sized) -> str:
    """One placeholder for each value."""
    return ", ".join("?" * len(values))


def select(columns: str, table: str, tail: str) -> str:
    """A query; `tail` begins with its condition."""
    return f"SELECT {columns} FROM {table} WHERE {tail}"  # noqa: S608 - names of this package only


def insert(table: str, columns: Collection[str]) -> str:
    """An insertion of one row."""
    names = ", ".join(columns)
    return f"INSERT INTO {table} ({names}) VALUES ({places(columns)})"  # noqa: S608 - names of this package only


def update(table: str, columns: Collection[str], condition: str) -> str:
    """A change of columns in the rows that meet a condition."""
    settings = ", ".join(f"{name} = ?" for name in columns)
    return f"UPDATE {table} SET {settings} WHERE {condition}"  # noqa: S608 - names of this package only
