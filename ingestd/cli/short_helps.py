"""What each command does, for `ingestd --help`; written by `make man`."""

from __future__ import annotations

from typing import Final

SHORT_HELPS: Final = {
    "run": "Watch the folders and upload what comes, in the foreground.",
    "check": "Look whether everything is as it must be, and say the remedy if not.",
    "plan": "Say what would happen to what lies there now: take, hold, skip, reject, and...",
    "status": "Show what happens now and what needs you.",
    "health": "Say in one sentence whether the service is well.",
    "list": "List files by id: what became of each.",
    "show": "Show one file and its history; explains any path.",
    "why": "Say why a file is as it is: the same as show.",
    "wait": "Return when these files are searchable; of a directory all that lies in it now.",
    "add": "Take files now, from wherever they are; of a directory all videos in it.",
    "retry": "Try failed and rejected files again.",
    "approve": "Let what is held go: it is uploaded and paid for.",
    "skip": "Do not upload these files, nor copies of them; `approve` takes it back.",
    "link": "Say which video at memories.ai a file became whose upload got no answer.",
    "forget": "Hide rows from lists.",
    "trust": "Accept the disk that is now at a folder's path.",
    "key": "Set the API key.",
    "config": "Look at the configuration.",
    "pause": "Start no further upload until `resume`.",
    "resume": "Go on uploading; every closed gate lets one upload try.",
    "recover": "Rebuild the journal from mirror and memories.ai; ingestd must be stopped.",
    "audit": "Compare the journal with memories.ai: only here, only there, there twice.",
    "install": "Make it a system service that watches these folders: unit, user,...",
    "uninstall": "Take the service away again.",
    "completion": "Print the script that lets a shell complete commands and options.",
    "sim": "Run a stand-in of memories.ai on this machine: free of charge, with fault...",
    "demo": "Show it all on this machine in half a minute: no key, no network, nothing to...",
}
