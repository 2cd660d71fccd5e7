"""All that is said about a wrong configuration, and the secrets that never are."""

from __future__ import annotations

import pytest

from config_kit import about_folder, complaint, complaints, config
from ingestd.errors import ConfigError, Exit

__all__ = ["about_folder", "complaint", "complaints", "config"]  # fixtures of the kit


# What is said about a wrong one -------------------------------------------------------------------


def test_everything_wrong_is_said_at_once_with_line_key_value_and_suggestion(complaints):
    assert complaints(
        """api:
  base_url: http://api.memories.ai/serve
per_minute: 3
folders:
  - path: /srv/a
    settle: 5min
    setle: 3
    mode: evnts
    fields: {unique_id: {parent}, tags: "a,b", camera_model: auto}
    exclude: []
    exclude: [x]
  - /srv/b/a
  - drop
  - name: nowhere
upload:
  retry_min: 1h
  concurrency:
    - 2
indexing: fast
guard: {max_files: unlimited}
"""
    ) == [
        (
            "config.yaml:2: api.base_url: must begin with https://: plain http only to loopback, "
            "for the key would travel readable (got 'http://api.memories.ai/serve'). "
            "Did you mean https://api.memories.ai/serve?"
        ),
        "config.yaml:3: per_minute: is not a known key. Did you mean upload.per_minute?",
        (
            "config.yaml:6: folders[0].settle: must be a duration such as 10s, 0.5s, 5m, 1h30m, "
            "2h, 1d, 1w or a number of seconds (got '5min'). Did you mean 5m?"
        ),
        "config.yaml:7: folders[0].setle: is not a known key. Did you mean settle?",
        (
            "config.yaml:8: folders[0].mode: must be auto, events or poll (got 'evnts'). "
            "Did you mean events?"
        ),
        (
            "config.yaml:9: folders[0].fields.unique_id: must be a text: put it in quotes "
            "(got '{parent}'). Did you mean \"{parent}\"?"
        ),
        (
            "config.yaml:9: folders[0].fields.tags[0]: must not hold a comma: write several tags "
            "as [one, two] (got 'a,b')"
        ),
        (
            "config.yaml:9: folders[0].fields.camera_model: auto is not available in this version; "
            "nothing is read from a file's metadata. Set it to off or to a value."
        ),
        (
            "config.yaml:11: folders[0].exclude: is there twice, in line 10 too: leave one of the "
            "two out"
        ),
        (
            'config.yaml:12: folders[1].name: must be unique, but folders[0] is called "a" too: '
            "give one of the two another name"
        ),
        (
            "config.yaml:13: folders[2].path: must be a full path that begins with / or ~/ "
            "(got 'drop')"
        ),
        "config.yaml:14: folders[3].path: is missing: every folder needs its path",
        ("config.yaml:16: upload.retry_min: must not be more than upload.retry_max (got '1h')"),
        "config.yaml:18: upload.concurrency: must be one value, not a list (got '- 2')",
        "config.yaml:19: indexing: must have keys of its own below it, indented (got 'fast')",
        ("config.yaml:20: guard.max_files: must be a whole number, not negative (got 'unlimited')"),
    ]


def test_a_wrong_configuration_ends_a_command_with_2(config):
    with pytest.raises(ConfigError) as caught:
        config("folders: []\n")
    assert caught.value.exit_code is Exit.USAGE


@pytest.mark.parametrize("content", ["folders: []", "folders:", "stop_grace: 1s"])
def test_a_configuration_without_folders_is_refused(complaints, content):
    (only,) = complaints(content + "\n")
    assert only.endswith(
        "folders: must name at least one folder, as in `folders: [/path/to/videos]`"
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("validate: {min_size: 2GB, max_size: 1GB}", "must not be more than validate.max_size"),
        ("upload: {retry_min: 2s, retry_max: 1s}", "must not be more than upload.retry_max"),
        ("indexing: {poll_min: 6m}", "must not be more than indexing.poll_max"),
        ("upload: {concurrency: 65}", "must be at most 64"),
        ("upload: {concurrency: 0}", "must be a whole number of at least 1"),
        ("upload: {per_minute: -1}", "must be a number such as 1, 0.5 or 1/3, not negative, or un"),
        ("upload: {stall_timeout: 0}", "must be longer than 0 seconds"),
        ("validate: {extensions: []}", "must not be empty: no file would be accepted"),
        ("validate: {extensions: ['*.mp4']}", "(got '*.mp4'). Did you mean .mp4?"),
        ("validate: {codecs: 'h 264'}", "must be the name of a codec"),
        ("state_dir: state", "must be a full path that begins with / or ~/ (got 'state')"),
        ("log: {level: warn}", "(got 'warn'). Did you mean warning?"),
        ("log: {format: xml}", "must be auto or json (got 'xml')"),
        ("api: {scope: folder}", "must be unique_id or folder_id (got 'folder'). Did you mean f"),
        ("budget: {currency: a very long name}", "must not be longer than 8 characters"),
        ("on_trouble: []", "must be a command such as"),
        ("stop_grace:", "must not be empty: write a value, or leave the line out for the default"),
    ],
)
def test_what_cannot_be_meant_is_refused(complaint, content, sentence):
    assert sentence in complaint(content)


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ("include: []", 'must not be empty: no file would be taken; ["*"] takes all'),
        ("include: ['# note']", "must be a pattern as in a .gitignore file"),
        ("exclude: ['']", "must be a pattern as in a .gitignore file"),
        ("name: a/b", "must not hold / or begin with -"),
        ("name: --all", "must not hold / or begin with -"),
        ("name: ' '", "must not be empty"),
        ("rescan_interval: 0", "must be longer than 0 seconds"),
        ("after_parsed: archive", "must be keep, delete or {move_to: DIR}"),
        ("after_parsed: {move: /x}", "must be keep, delete or {move_to: DIR} (got '{move: /x}')"),
        ("after_parsed: {move_to: x}", "must be a full path that begins with / or ~/"),
        ("after_rejected: delete", "a rejected file is never deleted"),
        ("fields: {unique_id: ''}", "must not be empty"),
        ("fields: {unique_id: }", "must not be empty"),
        ("fields: {unique_id: '{card}'}", "unknown template {card}; known are {folder} {top} "),
        ("fields: {tags: ['{parant}']}", "(got '{parant}'). Did you mean {parent}?"),
        ("fields: {tags: ['{top']}", "holds a brace without its partner"),
        (
            f"fields: {{tags: [{', '.join('abcdefghijklmnopqrstu')}]}}",
            "at most 20 tags; there are 21",
        ),
        ("fields: {callback: memories.example}", "must be an address that begins with https://"),
        (
            f"fields: {{callback: 'https://x/{'y' * 300}'}}",
            "must not be longer than 299 characters",
        ),
        (
            f"fields: {{camera_model: {'y' * 201}}}",
            "must not be longer than 200 characters; it has 201",
        ),
        ("fields: {datetime_taken: 22.11.2026}", "a time written as 2026-11-22 19:00:00"),
        ("fields: {datetime_taken: 2026-11-22T19:00:00}", "a time written as 2026-11-22 19:00:00"),
        ("fields: {datetime_taken: 2026-02-30 19:00:00}", "there is no such time"),
        ("fields: {latitude: 91, longitude: 0}", "decimal degrees from -90 to 90"),
        ("fields: {latitude: nan, longitude: 0}", "decimal degrees from -90 to 90"),
        ("fields: {latitude: 52.5}", "longitude: is needed beside latitude: set both, or both to"),
        ("fields: {title: x}", "fields.title: is not a known key"),
        ("bandwith: 1MB", "is not a known key. Did you mean upload.bandwidth?"),
        ("fields: {tagz: x}", "fields.tagz: is not a known key. Did you mean tags?"),
        ("unique_id: x", "is not a known key. Did you mean folders[0].fields.unique_id?"),
    ],
)
def test_what_cannot_be_meant_of_a_folder_is_refused(about_folder, keys, sentence):
    assert sentence in about_folder(keys)


@pytest.mark.parametrize("unique_id", ["default", "12", "-1"])
def test_with_folder_id_the_place_is_a_number(config, unique_id):
    folder = f"folders: [{{path: /srv/a, fields: {{unique_id: {unique_id}}}}}]\n"
    assert config("api: {scope: folder_id}\n" + folder).folders[0].fields.unique_id == unique_id


def test_with_folder_id_the_place_is_no_name(complaints):
    folder = "folders: [{path: /srv/a, fields: {unique_id: holiday}}]\n"
    assert complaints("api: {scope: folder_id}\n" + folder) == [
        (
            "config.yaml:2: folders[0].fields.unique_id: must be the folder's number, or default, "
            "while api.scope is folder_id (got 'holiday')"
        )
    ]


def test_the_same_path_twice_is_refused(complaints):
    assert complaints("folders:\n  - /srv/a\n  - {path: /srv/b/../a/, name: b}\n") == [
        (
            "config.yaml:3: folders[1].path: is the path of folders[0] already: leave one of the "
            "two out (got '/srv/b/../a/')"
        )
    ]


def test_a_folder_that_cannot_be_called_by_its_path_needs_a_name(complaints):
    assert complaints("folders: [/]\n") == [
        "config.yaml:1: folders[0].name: is needed: / has no last part to be called by"
    ]


def test_deleting_what_nobody_keeps_is_refused(complaints):
    found = complaints(
        "folders:\n  - path: /srv/a\n    after_parsed: delete\n"
        "    fields: {retain_original_video: no}\n"
    )
    assert found[0] == (
        "config.yaml:3: folders[0].after_parsed: must not be delete while "
        "fields.retain_original_video is false: no copy of the original would be left anywhere"
    )


def test_a_copy_is_not_deleted_either_when_nobody_keeps_the_original(complaints):
    found = complaints(
        "folders:\n  - path: /srv/a\n    after_duplicate: delete\n"
        "    fields: {retain_original_video: no}\n"
    )
    assert "after_duplicate: must not be delete while" in found[0]


@pytest.mark.parametrize("target", ["/srv/a", "/srv", "/"])
def test_files_are_not_moved_to_where_they_would_be_taken_again(complaints, target):
    found = complaints(
        f"folders:\n  - /srv/a\n  - path: /srv/b\n    after_rejected: {{move_to: {target}}}\n"
    )
    assert len(found) == 1
    said = "config.yaml:4: folders[1].after_rejected: must not move to"
    assert found[0].startswith(f"{said} {target}: the watched folder /srv/a is or lies in it.")


def test_files_may_be_moved_beside_and_inside_a_folder(config):
    found = config(
        "folders:\n  - path: /srv/a\n    after_parsed: {move_to: /srv/a/done}\n"
        "    after_duplicate: delete\n    after_rejected: {move_to: /srv/bad}\n"
        "    prune_empty: yes\n"
    )
    assert str(found.folders[0].after_parsed.move_to) == "/srv/a/done"


def test_a_wrong_value_raises_no_second_complaint_about_what_it_was_compared_with(complaints):
    found = complaints("folders: [/srv/a]\nindexing: {poll_min: 1h, poll_max: forever}\n")
    assert len(found) == 1
    assert "indexing.poll_max: must be a duration" in found[0]


def test_folders_keep_their_numbers_when_one_before_them_is_wrong(complaints):
    found = complaints("folders:\n  - drop\n  - /srv/a\n  - /srv/b/a\n")
    assert found[1].startswith("config.yaml:4: folders[2].name: must be unique, but folders[1] is")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("validate: {oversize: split}", "split is not available in this version; files over"),
        ("http: {listen: '127.0.0.1:8787'}", "a server is not available in this version"),
    ],
)
def test_a_promise_of_a_later_version_is_refused(complaint, content, sentence):
    assert sentence in complaint(content)


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (
            "fields: {datetime_taken: auto}",
            "auto is not available in this version; nothing is read",
        ),
        ("fields: {camera_model: Auto}", "auto is not available in this version; nothing is read"),
    ],
)
def test_a_promise_of_a_later_version_is_refused_for_a_folder(about_folder, keys, sentence):
    assert sentence in about_folder(keys)


def test_a_place_from_metadata_is_refused_for_both_of_its_numbers(complaints):
    found = complaints("folders: [{path: /a, fields: {latitude: auto, longitude: auto}}]\n")
    assert [line.split(": ")[1] for line in found] == [
        "folders[0].fields.latitude",
        "folders[0].fields.longitude",
    ]


# Secrets ------------------------------------------------------------------------------------------

KEY = "sk-mavi-0123456789abcdef"


@pytest.mark.parametrize(
    "content",
    [
        f"api: {{api_key: {KEY}}}",
        f"api: {{key: {KEY}}}",
        "api: {token: 0123456789}",
        f"api: {{key_file: {KEY}}}",
        "api: {key_file: sk-0123}",
        "api: {base_url: 'https://example.com/?key=sk-0123456789abcdef0123456789abcdef'}",
        f"api_key: {KEY}",
        f"proxy: Bearer {KEY}",
        f"on_trouble: [notify, --key, '{KEY}']",
        f"state_dir: /srv/{KEY}/",
    ],
)
def test_the_key_in_the_file_is_refused_and_never_shown(complaint, content):
    found = complaint(content)
    assert "the API key must not be in this file. Put it into a file of its own" in found
    assert "0123" not in found


def test_the_key_in_a_folder_is_refused_and_never_shown(complaints):
    first, second = complaints(f"folders:\n  - /srv/a\n  - {KEY}\n  - {{path: /srv/{KEY}}}\n")
    assert first.startswith("config.yaml:3: folders[1]: the API key must not be in this file")
    assert second.startswith("config.yaml:4: folders[2].path: the API key must not be in this")
    assert "0123" not in first + second


@pytest.mark.parametrize("content", [f"{KEY}: 1", f"api: {{{KEY}: 1}}", f"a: *{KEY}", f'a: "{KEY}'])
def test_a_key_in_a_strange_place_is_never_shown(complaints, content):
    assert all("0123" not in line for line in complaints(content + "\n"))


@pytest.mark.parametrize("user", ["ann", "a" * 60])
def test_a_password_in_an_address_is_never_shown(complaint, user):
    found = complaint(f"api: {{base_url: 'http://{user}:hunter2@example.com/'}}")
    assert "hunter" not in found
    assert "//...@example.com" in found


def test_control_characters_and_long_keys_do_not_reach_the_terminal(complaints):
    (found,) = complaints(f'folders: [/srv/a]\n"\\e[31m{"k" * 99}": 1\n')
    assert found == f"config.yaml:2: ?[31m{'k' * 55}: is not a known key"


@pytest.mark.parametrize("name", ["sk-bratislava-cam1", "task-mavi-1", "sk-2026", "desk"])
def test_a_name_that_only_begins_like_a_key_is_fine(config, name):
    assert config(f"folders: [/srv/{name}]\n").folders[0].name == name
