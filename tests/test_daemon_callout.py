"""Running the owner's command: it hears everything, and holds up nothing."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from ingestd.daemon.telling.callout import KEPT, call

DOCUMENT = {"kind": "held", "text": "größe \udcff"}


def python(script, *more):
    return (sys.executable, "-c", script, *more)


def test_the_document_is_on_its_stdin_and_what_it_says_comes_back():
    script = "import sys, json; print(json.load(sys.stdin)['kind'], 'told'); print('twice')"
    assert call(python(script), {"kind": "held"}) == ("", "held told twice")


def test_a_code_is_a_failure_with_its_last_words():
    failed, _ = call(python("import sys; sys.exit('no mail here')"), DOCUMENT)
    assert failed == f"{sys.executable} ended with 1: no mail here"


def test_one_that_never_ends_is_stopped_with_all_it_started(tmp_path):
    child = tmp_path / "child"
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(child)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(60)\n"
    )
    failed, _ = call(python(script), DOCUMENT, limit=2.0)
    assert failed.endswith("was stopped: it did not end within 2 s")
    end = time.monotonic() + 10
    while _lives(int(child.read_text())):
        assert time.monotonic() < end
        time.sleep(0.01)


def _lives(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def test_one_that_leaves_something_behind_ends_all_the_same():
    script = (
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(20)'])\n"
        "print('begun')\n"
    )
    began = time.monotonic()
    assert call(python(script), DOCUMENT, limit=15.0) == ("", "begun")
    assert time.monotonic() - began < 15


def test_one_that_does_not_listen_and_one_that_closes_its_output_are_waited_for():
    assert call(python("import os; os.close(0); print('deaf')"), DOCUMENT) == ("", "deaf")
    script = "import os, sys, time; os.close(1); os.close(2); time.sleep(1); os._exit(3)"
    assert call(python(script), DOCUMENT)[0] == f"{sys.executable} ended with 3"


def test_one_that_floods_is_cut_short():
    script = "import sys\nfor _ in range(10000): sys.stdout.write('flood ' * 20)"
    failed, said = call(python(script), DOCUMENT)
    assert (failed, len(said)) == ("", KEPT)


@pytest.mark.parametrize("command", [("/nowhere/x",), ("/etc/passwd",), ("a\0b",)])
def test_one_that_cannot_be_run_is_a_sentence(command):
    failed, said = call(command, DOCUMENT)
    assert "cannot be run: " in failed
    assert said == ""


def test_it_inherits_neither_the_key_nor_the_line_to_the_service_manager(monkeypatch):
    monkeypatch.setenv("INGESTD_API_KEY", "sk-mavi-0123456789")
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/x")
    monkeypatch.setenv("HARMLESS", "1")
    _, said = call(python("import os, json; print(json.dumps(sorted(os.environ)))"), DOCUMENT)
    _, whole = call(python("import os; print(os.getpgid(0) != os.getppid())"), DOCUMENT)
    names = said if "INGESTD_API_KEY" in said or len(said) == KEPT else json.loads(said)
    assert "INGESTD_API_KEY" not in names
    assert "NOTIFY_SOCKET" not in names
    assert whole == "True"
    assert os.environ["INGESTD_API_KEY"]
