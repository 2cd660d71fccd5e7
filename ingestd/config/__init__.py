"""The configuration: where it is found, how it is read, and the values it becomes (interface 4).

Only `load` needs pydantic and PyYAML, and imports them when it is called.
"""

from ingestd.config.actions import KEEP, After, AfterKind
from ingestd.config.addresses import Address
from ingestd.config.apart import load_anew, load_apart
from ingestd.config.fieldtexts import AUTO, TEMPLATES
from ingestd.config.key import ApiKey, clean_key, read_key
from ingestd.config.load import from_paths, load
from ingestd.config.places import find
from ingestd.config.settings import (
    Api,
    Budget,
    ConfirmThen,
    Fields,
    Folder,
    Guard,
    Http,
    Indexing,
    Log,
    LogFormat,
    LogLevel,
    Oversize,
    ScopeKind,
    Settings,
    Upload,
    Validate,
    WatchMode,
    nearest_folder,
)
from ingestd.config.timetable import BandwidthStep

__all__ = [
    "AUTO",
    "KEEP",
    "TEMPLATES",
    "Address",
    "After",
    "AfterKind",
    "Api",
    "ApiKey",
    "BandwidthStep",
    "Budget",
    "ConfirmThen",
    "Fields",
    "Folder",
    "Guard",
    "Http",
    "Indexing",
    "Log",
    "LogFormat",
    "LogLevel",
    "Oversize",
    "ScopeKind",
    "Settings",
    "Upload",
    "Validate",
    "WatchMode",
    "clean_key",
    "find",
    "from_paths",
    "load",
    "load_anew",
    "load_apart",
    "nearest_folder",
    "read_key",
]
