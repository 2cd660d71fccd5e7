"""What a key may hold: types that carry the function which reads them from text.

pydantic asks the marks in `Annotated` for their schema when it builds the validator, and only then
is it imported here: a long-running daemon holds the values and need not hold pydantic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from ingestd.config import fieldtexts, measures, values

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler as Handler
    from pydantic_core.core_schema import CoreSchema, ValidationInfo

Convert = Callable[[object], object]  # raises values.BadValueError


@dataclass(frozen=True, slots=True)
class Reads:
    """Marks a type with the function that makes its value out of what stands in the file."""

    convert: Convert

    def __get_pydantic_core_schema__(self, source: Any, handler: Handler) -> CoreSchema:
        from pydantic_core import core_schema  # noqa: PLC0415 - only where a file is loaded

        del source, handler  # the function decides alone
        return core_schema.no_info_plain_validator_function(self.convert)


@dataclass(frozen=True, slots=True)
class ReadsPath:
    """Like `Reads`, for a function that must know the home directory to expand `~`.

    The home directory is handed to pydantic as the validation's context.
    """

    convert: Callable[[object, str], object]

    def __get_pydantic_core_schema__(self, source: Any, handler: Handler) -> CoreSchema:
        from pydantic_core import core_schema  # noqa: PLC0415 - only where a file is loaded

        del source, handler

        def convert(value: object, info: ValidationInfo) -> object:
            return self.convert(value, info.context or "")

        return core_schema.with_info_plain_validator_function(convert)


@dataclass(frozen=True, slots=True)
class Before:
    """Marks a list or section with the function that brings the file's short forms into shape."""

    convert: Convert

    def __get_pydantic_core_schema__(self, source: Any, handler: Handler) -> CoreSchema:
        from pydantic_core import core_schema  # noqa: PLC0415 - only where a file is loaded

        return core_schema.no_info_before_validator_function(self.convert, handler(source))


Boolean = Annotated[bool, Reads(values.boolean)]
Duration = Annotated[float, Reads(measures.duration)]
PositiveDuration = Annotated[float, Reads(measures.positive_duration)]
OptionalDuration = Annotated[float | None, Reads(values.optional(measures.duration))]
Size = Annotated[int, Reads(measures.size)]
OptionalSize = Annotated[int | None, Reads(values.unlimited_or(measures.size))]
Count = Annotated[int, Reads(values.count)]
PositiveCount = Annotated[int, Reads(values.positive_count)]
OptionalCount = Annotated[int | None, Reads(values.unlimited_or(values.count))]
Number = Annotated[float, Reads(values.number)]
OptionalNumber = Annotated[float | None, Reads(values.unlimited_or(values.number))]
ZeroIsUnlimited = Annotated[float | None, Reads(values.zero_is_unlimited)]
AbsolutePath = Annotated[Path, ReadsPath(values.path)]
OptionalPath = Annotated[Path | None, ReadsPath(values.optional_path)]
Tag = Annotated[str, Reads(fieldtexts.tag)]
Extension = Annotated[str, Reads(fieldtexts.extension)]
Codec = Annotated[str, Reads(fieldtexts.codec)]
Patterns = Annotated[
    tuple[Annotated[str, Reads(fieldtexts.pattern)], ...], Before(values.one_or_many)
]
