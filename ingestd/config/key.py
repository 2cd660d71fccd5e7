"""The API key: where it is looked for, and how it is cleaned of what people paste with it.

It never stands in the configuration file, in a message or in the `repr` of anything here.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ingestd.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestd.config.settings import Api

_CREDENTIAL = "api-key"  # the systemd credential's name
#: What our units give where there is no key file: a credential cannot be left out or be empty.
NO_KEY = "#"
_LARGEST_FILE = 4096  # bytes; a key has some 40
_SHORTEST_SHOWN = 12  # characters; of a shorter key, its last four would be too much
_CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")
_CONTAINER_VARIABLES = ("container", "KUBERNETES_SERVICE_HOST")
_RUN_SECRETS = ("/run/secrets/", "/var/run/secrets/")
_OTHERS = stat.S_IROTH | stat.S_IWOTH
_REMEDY = (
    "Put it into a file that only the service's user can read and name that file as api.key_file "
    "or INGESTD_API_KEY_FILE, or set INGESTD_API_KEY, or give the systemd credential "
    f'"{_CREDENTIAL}".'
)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """The key and where it came from; `str` and `repr` never show the secret."""

    secret: str = field(repr=False)
    source: str  # credential, INGESTD_API_KEY, INGESTD_API_KEY_FILE or api.key_file
    warning: str = ""  # a sentence for the log, or ""

    @property
    def key_id(self) -> str:
        """The last four characters as `...abcd`, to tell keys apart; `...` of a short key."""
        return "..." + (self.secret[-4:] if len(self.secret) >= _SHORTEST_SHOWN else "")

    @property
    def digest(self) -> str:
        """Tells one key from another without telling the key; what journals remember."""
        from blake3 import blake3  # noqa: PLC0415 - only who compares keys

        return blake3(self.secret.encode()).hexdigest()[:16]

    def __str__(self) -> str:
        return self.key_id


def read_key(api: Api, environ: Mapping[str, str]) -> ApiKey:
    """Return the API key from the first place that has one (interface 4).

    The places in order: the systemd credential `api-key`, INGESTD_API_KEY, the file that
    INGESTD_API_KEY_FILE names, the file that `api.key_file` names. A place that was named and
    cannot be used is an error: going on to the next could mean another account's money.

    Raises:
        UsageError: there is no key, or it cannot be used; says what to do and never shows it.
    """
    credential = _credential(environ)
    given = "" if credential is None else _read(credential)[0]
    if credential is not None and given.strip() != NO_KEY:
        return ApiKey(clean_key(given, "The credential"), "credential")
    if environ.get("INGESTD_API_KEY", "").strip():
        return ApiKey(clean_key(environ["INGESTD_API_KEY"], "INGESTD_API_KEY"), "INGESTD_API_KEY")
    if environ.get("INGESTD_API_KEY_FILE"):
        named = Path(os.path.expanduser(environ["INGESTD_API_KEY_FILE"]))  # noqa: PTH111 - that raises
        return _from_file(named, "INGESTD_API_KEY_FILE", environ)
    if api.key_file is not None:
        return _from_file(api.key_file, "api.key_file", environ)
    empty = " INGESTD_API_KEY is set, but empty." if "INGESTD_API_KEY" in environ else ""
    raise UsageError(f"There is no API key.{empty} {_REMEDY}")


def _credential(environ: Mapping[str, str]) -> Path | None:
    directory = environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        return None
    path = Path(directory, _CREDENTIAL)
    return path if os.path.lexists(path) else None


def _from_file(path: Path, source: str, environ: Mapping[str, str]) -> ApiKey:
    content, mode = _read(path)
    warning = ""
    if mode & _OTHERS:
        remedy = f"chmod 640 {path}"
        if not (_is_run_secret(path) or in_container(environ)):
            raise UsageError(f"Other users can read or change the API key in {path}: {remedy}")
        warning = f"Other users can read or change the API key in {path}. If you can: {remedy}"
    return ApiKey(clean_key(content, str(path)), source, warning)


def _read(path: Path) -> tuple[str, int]:
    """Return a key file's text and its permission bits, both taken from one descriptor."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            mode = os.fstat(descriptor).st_mode
            content = os.read(descriptor, _LARGEST_FILE + 1) if stat.S_ISREG(mode) else b""
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"The API key cannot be read from {path}: {reason}. {_REMEDY}") from None
    if not stat.S_ISREG(mode):
        raise UsageError(f"{path} should hold the API key, but is no regular file. {_REMEDY}")
    if len(content) > _LARGEST_FILE:
        raise UsageError(f"{path} is too long for an API key: put only the key in it.")
    return content.decode("utf-8-sig", errors="replace"), stat.S_IMODE(mode)


def clean_key(content: str, place: str) -> str:
    """Return the key without what people paste with it: blanks, quotes, `Bearer`, a BOM.

    Raises:
        UsageError: there is none in it, or something else; `place` begins the sentence.
    """
    key = content.strip("\ufeff \t\r\n")
    key = re.sub(r"^(authorization:\s*)?(bearer\s+)?", "", _unquoted(key), flags=re.IGNORECASE)
    key = _unquoted(key)
    if not key:
        raise UsageError(f"{place} holds no API key: it is empty. {_REMEDY}")
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise UsageError(
            f"{place} holds something else than an API key: there are blanks, line breaks, control "
            "or special characters in it. Put only the key there, in one line."
        )
    return key


def _unquoted(key: str) -> str:
    for quote in "\"'":
        if len(key) > 1 and key.startswith(quote) and key.endswith(quote):
            return key[1:-1].strip()
    return key


def _is_run_secret(path: Path) -> bool:
    return any(str(path).startswith(place) for place in _RUN_SECRETS)


def in_container(environ: Mapping[str, str]) -> bool:
    """Tell whether this process runs in a container, where file modes are often not ours to set."""
    return any(name in environ for name in _CONTAINER_VARIABLES) or any(
        os.path.lexists(mark) for mark in _CONTAINER_MARKS
    )
