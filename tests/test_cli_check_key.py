"""`check` tells when people beside the service can read the key."""

from __future__ import annotations

import os

import pytest

from ingestd.cli.checking import Grade
from ingestd.cli.checks_key import find_key, shared_key
from ingestd.cli.unit import Unit
from ingestd.config import Api

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
KEY = "sk-mavi-0123456789"
READERS = 54321  # nobody's number


@pytest.fixture
def key(tmp_path):
    file = tmp_path / "api-key"
    file.write_text(KEY)
    file.chmod(0o640)
    return file


@pytest.fixture
def state(tmp_path):
    """A state directory that its group may look into."""
    state = tmp_path / "state"
    state.mkdir(mode=0o750)
    os.chown(state, 65534, READERS)
    return state


def graded(key, state, **unit):
    lent = Unit("ingestd", {"LoadCredential": f"api-key:{key}", **unit})
    return find_key(Api(), {}, lent, state)[2]


def test_what_key_set_stores_is_in_order(key, state):
    assert graded(key, state).grade is Grade.OK
    os.chown(key, 65534, 0)
    assert shared_key(str(key), state, reader=65534) is None


def test_the_group_that_looks_at_status_is_to_have_no_key(key, state):
    os.chown(key, 0, READERS)
    result = graded(key, state)
    assert result.grade is Grade.WARN
    assert result.text == (
        f"group {READERS}, which people join to look at `status`, can read the API key in {key} "
        f"(0640 root:{READERS})"
    )
    assert result.remedy == f"Run: sudo chmod 600 {key}"
    key.chmod(0o600)
    assert graded(key, state).grade is Grade.OK


def test_where_the_service_reads_it_the_line_leaves_it_readable_to_the_service(key, state):
    os.chown(key, 0, READERS)
    result = find_key(Api(key_file=key), {}, None, state)[2]
    assert result.grade is Grade.WARN
    assert result.remedy == f"Run: sudo chown nobody:root {key}"


def test_a_group_without_other_people_is_no_matter(key, state):
    state.chmod(0o700)
    os.chown(key, 0, READERS)
    assert graded(key, state).grade is Grade.OK


def test_what_everybody_can_read_is_told(key, state):
    key.chmod(0o644)
    result = graded(key, state)
    assert result.grade is not Grade.OK  # in a container, where modes are others', a warning
    assert "Other users can read or change the API key" in result.text
    assert KEY not in result.text + result.remedy
