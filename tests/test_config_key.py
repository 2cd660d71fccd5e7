"""The API key: where it is looked for, how it is cleaned, and that it never shows."""

from __future__ import annotations

import pytest

from ingestd.config import Api, key, read_key
from ingestd.errors import Exit, UsageError

SECRET = "sk-mavi-0123456789abcd"


@pytest.fixture(autouse=True)
def _no_container(monkeypatch):
    """The tests may run in a container, where the rules are milder."""
    monkeypatch.setattr(key, "_CONTAINER_MARKS", ())


@pytest.fixture
def key_file(tmp_path):
    def of(content=SECRET, mode=0o600, name="key"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return path

    return of


def test_the_places_are_asked_in_their_order(tmp_path, key_file):
    api = Api(key_file=key_file(SECRET + "4", name="configured"))
    environ = {}
    seen = [read_key(api, environ)]
    environ["INGESTD_API_KEY_FILE"] = str(key_file(SECRET + "3", name="named"))
    seen.append(read_key(api, environ))
    environ["INGESTD_API_KEY"] = SECRET + "2"
    seen.append(read_key(api, environ))
    environ["CREDENTIALS_DIRECTORY"] = str(tmp_path)
    seen.append(read_key(api, environ))  # other credentials than ours
    key_file(SECRET + "1", name="api-key", mode=0o444)
    seen.append(read_key(api, environ))
    assert [(one.source, one.secret[-1]) for one in seen] == [
        ("api.key_file", "4"),
        ("INGESTD_API_KEY_FILE", "3"),
        ("INGESTD_API_KEY", "2"),
        ("INGESTD_API_KEY", "2"),
        ("credential", "1"),
    ]


def test_the_secret_shows_in_no_text_of_the_key():
    found = read_key(Api(), {"INGESTD_API_KEY": SECRET})
    assert found.secret == SECRET
    assert found.key_id == str(found) == f"{found}" == "...abcd"
    assert "0123" not in repr(found)


def test_of_a_short_key_nothing_shows():
    assert read_key(Api(), {"INGESTD_API_KEY": "test"}).key_id == "..."


@pytest.mark.parametrize(
    "content",
    [
        SECRET,
        f"{SECRET}\n",
        f"  {SECRET}\t\r\n\r\n",
        b"\xef\xbb\xbf" + SECRET.encode(),
        f'"{SECRET}"\n',
        f"'{SECRET}'",
        f"Bearer {SECRET}",
        f'"bearer  {SECRET}"',
        f'Bearer "{SECRET}"',
        f"Authorization: Bearer {SECRET}\n",
    ],
)
def test_what_people_paste_with_a_key_is_taken_off(key_file, content):
    assert read_key(Api(key_file=key_file(content)), {}).secret == SECRET


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "holds no API key: it is empty"),
        (" \n", "holds no API key: it is empty"),
        ('""', "holds no API key: it is empty"),
        (f"{SECRET}\n{SECRET}", "holds something else than an API key"),
        (f"my key: {SECRET}", "holds something else than an API key"),
        (f"{SECRET}\x07", "holds something else than an API key"),
        (f"{SECRET}é", "holds something else than an API key"),
        (SECRET.encode("utf-16"), "holds something else than an API key"),
        (b"\xff\xfe\x00", "holds something else than an API key"),
        ("x" * 5000, "is too long for an API key"),
    ],
)
def test_what_is_no_key_is_refused_without_showing_it(key_file, content, sentence):
    path = key_file(content)
    with pytest.raises(UsageError) as caught:
        read_key(Api(key_file=path), {})
    assert str(caught.value).startswith(f"{path} {sentence}")
    assert "0123" not in str(caught.value)


def test_no_key_at_all_is_an_error_that_names_every_place():
    with pytest.raises(UsageError) as caught:
        read_key(Api(), {})
    assert caught.value.exit_code is Exit.USAGE
    assert str(caught.value) == (
        "There is no API key. Put it into a file that only the service's user can read and name "
        "that file as api.key_file or INGESTD_API_KEY_FILE, or set INGESTD_API_KEY, or give the "
        'systemd credential "api-key".'
    )


def test_an_empty_variable_counts_as_not_set_and_is_named(key_file):
    assert read_key(Api(key_file=key_file()), {"INGESTD_API_KEY": " "}).source == "api.key_file"
    with pytest.raises(UsageError, match="INGESTD_API_KEY is set, but empty"):
        read_key(Api(), {"INGESTD_API_KEY": ""})


@pytest.mark.parametrize("place", ["variable", "configuration", "credential"])
def test_a_place_that_was_named_and_cannot_be_read_is_an_error(tmp_path, key_file, place):
    """Going on to the next place could spend another account's money."""
    good = key_file()
    bad = tmp_path / "api-key"
    environ = {}
    api = Api(key_file=bad if place == "configuration" else good)
    if place == "variable":
        environ["INGESTD_API_KEY_FILE"] = str(bad)
    if place == "credential":
        bad.symlink_to("nowhere")
        environ["CREDENTIALS_DIRECTORY"] = str(tmp_path)
    with pytest.raises(UsageError, match=f"cannot be read from {bad}: No such file or directory"):
        read_key(api, environ)


def test_a_directory_in_place_of_the_file_is_named(tmp_path):
    """A container's mount of a missing secret is a directory."""
    with pytest.raises(UsageError, match="should hold the API key, but is no regular file"):
        read_key(Api(key_file=tmp_path), {})


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602, 0o666])
def test_a_file_that_others_can_read_or_change_is_refused_with_the_remedy(key_file, mode):
    path = key_file(mode=mode)
    with pytest.raises(UsageError) as caught:
        read_key(Api(key_file=path), {})
    assert str(caught.value) == (
        f"Other users can read or change the API key in {path}: chmod 640 {path}"
    )


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640, 0o440])
def test_a_file_for_the_owner_and_the_group_is_taken(key_file, mode):
    assert read_key(Api(key_file=key_file(mode=mode)), {}).warning == ""


@pytest.mark.parametrize(
    "environ", [{"container": "podman"}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}]
)
def test_in_a_container_others_that_can_read_it_are_only_warned_of(key_file, environ):
    found = read_key(Api(key_file=key_file(mode=0o644)), environ)
    assert found.secret == SECRET
    assert found.warning.startswith("Other users can read or change the API key in ")


def test_a_secret_of_the_container_engine_is_only_warned_of(tmp_path, monkeypatch, key_file):
    monkeypatch.setattr(key, "_RUN_SECRETS", (f"{tmp_path}/",))
    assert read_key(Api(key_file=key_file(mode=0o644)), {}).warning


def test_a_credential_that_only_says_there_is_none_leaves_the_other_places(tmp_path):
    (tmp_path / "api-key").write_text("#")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "INGESTD_API_KEY": SECRET}
    assert read_key(Api(), environ).source == "INGESTD_API_KEY"
