"""What systemd is told, heard by a socket of the test (sd_notify(3))."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from ingestd.notify import LONGEST, ServiceManager

if TYPE_CHECKING:
    from pathlib import Path

PID = 4711


@pytest.fixture(params=["path", "abstract"])
def heard(request, tmp_path: Path):
    """A service manager's socket, and the address that NOTIFY_SOCKET would name."""
    address = str(tmp_path / "notify") if request.param == "path" else f"\0{tmp_path}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(address)
        ear.settimeout(5.0)
        yield ear, address.replace("\0", "@")


def test_each_message_is_one_datagram_with_all_it_says(heard):
    ear, address = heard
    manager = ServiceManager({"NOTIFY_SOCKET": address}, PID)
    manager.ready("Idle")
    manager.status("Uploading")
    manager.alive()
    manager.reloading(12.5, "Reading")
    manager.extend(90.0)
    manager.stopping("Stopping")
    assert [ear.recv(4096).decode() for _ in range(6)] == [
        "READY=1\nSTATUS=Idle",
        "STATUS=Uploading",
        "WATCHDOG=1",
        "RELOADING=1\nMONOTONIC_USEC=12500000\nSTATUS=Reading",
        "EXTEND_TIMEOUT_USEC=90000000",
        "STOPPING=1\nSTATUS=Stopping",
    ]


def test_a_file_name_cannot_say_something_to_systemd(heard):
    ear, address = heard
    manager = ServiceManager({"NOTIFY_SOCKET": address}, PID)
    manager.status("a\nMAINPID=1\n\x1b[2J\udcff.mp4")
    manager.status("x" * 5000)
    assert ear.recv(4096).decode() == r"STATUS=a MAINPID=1 \x1b[2J\udcff.mp4"
    assert len(ear.recv(65536)) == len("STATUS=") + LONGEST


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(PID)}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_this_process_s_own(environ, seconds):
    assert ServiceManager({"NOTIFY_SOCKET": "/run/x", **environ}, PID).watchdog == seconds


@pytest.mark.parametrize("address", ["", "vsock:2:1234", "relative"])
def test_where_nobody_listens_nothing_is_said_and_nothing_asked(address):
    manager = ServiceManager({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000000"}, PID)
    assert not manager.listens
    assert manager.watchdog is None
    manager.ready("Idle")


def test_a_manager_that_has_gone_raises_nothing(tmp_path: Path):
    manager = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "gone")}, PID)
    manager.ready("Idle")
    manager.alive()
