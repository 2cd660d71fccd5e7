"""Which path and method is which endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTEXT_PATH: Final = "/serve"
BASE_PATH: Final = "/serve/api/v1"
CONTROL_PATH: Final = "/_sim"


class Endpoint(StrEnum):
    """Where a request goes; the values name endpoints in faults and in the report."""

    UPLOAD = "upload"
    GET_METADATA = "get_metadata"
    DETAILS = "get_private_video_details"
    LIST_VIDEOS = "list_videos"
    DELETE_VIDEOS = "delete_videos"
    LIST_UNIQUE_IDS = "list_unique_ids"
    OTHER = "other"


METHODS: Final[Mapping[Endpoint, str]] = {
    Endpoint.UPLOAD: "POST",
    Endpoint.GET_METADATA: "GET",
    Endpoint.DETAILS: "GET",
    Endpoint.LIST_VIDEOS: "POST",
    Endpoint.DELETE_VIDEOS: "POST",
    Endpoint.LIST_UNIQUE_IDS: "GET",
}


@dataclass(frozen=True, slots=True)
class Route:
    """The endpoint of a request, and what is wrong with its path or method.

    Attributes:
        endpoint: Where it goes.
        problem: The far side's sentence about a wrong path or method.
        outside: The path is not even below the application, so its front answers.
    """

    endpoint: Endpoint
    problem: str | None = None
    outside: bool = False


def find_route(method: str, path: str) -> Route:
    """Route a request as the far side does (contract 0.1, 5.3)."""
    if not path.startswith(CONTEXT_PATH + "/"):
        return Route(Endpoint.OTHER, outside=True)
    name = path.removeprefix(BASE_PATH + "/")
    endpoint = next((e for e in METHODS if e.value == name), None)
    if endpoint is None:
        resource = path.removeprefix(CONTEXT_PATH + "/")
        return Route(Endpoint.OTHER, problem=f"No static resource {resource}.")
    if method != METHODS[endpoint]:
        return Route(Endpoint.OTHER, problem=f"Request method '{method}' is not supported")
    return Route(endpoint)
