"""The units: as systemd's own tools judge them, and as the rest of the project needs them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ingestd.config import places
from ingestd.config.settings import Settings
from ingestd.errors import Exit

UNITS = Path(__file__).parent.parent / "systemd"
BOTH = pytest.mark.parametrize("unit", ["ingestd.service", "ingestd@.service"])
#: The most that `systemd-analyze security` may find open, in tenths.
EXPOSURE = 11


def settings_of(unit: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (UNITS / unit).read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            found.setdefault(key, []).append(value)
    return found


def seconds(text: str) -> float:
    number, word = re.fullmatch(r"(\d+)(min|s|h|)", text).groups()
    return int(number) * {"": 1, "s": 1, "min": 60, "h": 3600}[word]


@pytest.fixture
def analyze():
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed here")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["systemd-analyze", *words], capture_output=True, text=True, timeout=60, check=False
        )

    return run


@BOTH
def test_systemd_finds_nothing_to_say_about_them(unit, analyze, tmp_path):
    text = (UNITS / unit).read_text().replace("=/usr/bin/ingestd", "=/bin/true")
    (tmp_path / unit).write_text(text)
    found = analyze("verify", str(tmp_path / unit))
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


@BOTH
def test_they_are_open_no_wider_than_they_must_be(unit, analyze):
    found = analyze(
        "security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager", str(UNITS / unit)
    )
    if "unrecognized option" in found.stderr:
        pytest.skip("this systemd-analyze is too old")
    assert found.returncode == 0, found.stdout.splitlines()[-1]


@BOTH
def test_what_a_restart_cannot_mend_is_not_restarted_and_the_rest_not_for_ever(unit):
    told = settings_of(unit)
    never = {int(code) for code in told["RestartPreventExitStatus"][0].split()}
    assert never == {Exit.USAGE, Exit.ALREADY_RUNNING, Exit.JOURNAL}
    assert told["Restart"] == ["on-failure"]
    burst, interval = int(told["StartLimitBurst"][0]), seconds(told["StartLimitIntervalSec"][0])
    assert burst * seconds(told["RestartSec"][0]) < interval, "the limit is never reached"


@BOTH
def test_stopping_leaves_time_for_the_grace(unit):
    grace = Settings(state_dir=Path("/x")).stop_grace
    assert seconds(settings_of(unit)["TimeoutStopSec"][0]) > grace + 10


@pytest.mark.parametrize(
    ("unit", "config", "state"),
    [
        ("ingestd.service", "/etc/ingestd/config.yaml", "ingestd"),
        ("ingestd@.service", "/etc/ingestd/%i.yaml", "ingestd/%i"),
    ],
)
def test_the_state_directory_is_the_one_that_follows_from_the_configuration(unit, config, state):
    told = settings_of(unit)
    assert told["ConditionPathExists"] == [config]
    assert told["ExecStart"][0].endswith(f"run -c {config}")
    assert told["ExecReload"][0].endswith(f"check --config-only -c {config}")
    assert told["StateDirectory"] == [state]
    file = Path(config.replace("%i", "cam"))
    follows = places.default_state_dir(file, {})
    assert str(follows) == f"/var/lib/{state.replace('%i', 'cam')}"


def test_the_template_differs_in_its_names_only():
    plain, template = settings_of("ingestd.service"), settings_of("ingestd@.service")
    differ = {key for key in plain | template if plain.get(key) != template.get(key)}
    names = {"Description", "ConditionPathExists", "ExecStart", "ExecReload", "StateDirectory"}
    assert differ == names | {"LoadCredential"}


@BOTH
def test_the_key_is_no_argument_and_no_variable(unit):
    told = settings_of(unit)
    assert told["LoadCredential"][0].startswith("api-key:/etc/ingestd/")
    assert told["LimitCORE"] == ["0"]
    assert not any("KEY" in one for one in told["Environment"])
