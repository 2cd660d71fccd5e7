"""The torture: real `ingestd run` processes, real SIGKILL, real sockets cut at every stage.

`server` is the far side, which kills and cuts on command, `lane` one daemon and its files, `losses`
the answers lost without any kill, `runner` many lanes at once (`make torture`).
"""
