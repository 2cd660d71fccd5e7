"""The simulated soak: the real daemon under a clock, a network, a far side and a disk of ours.

`variant` says what kind of account, settings and files a seed gets, `farside` and `disk` are the
world outside, `rig` holds the daemon in it, `deeds` is what happens, `verdict` what must be true in
the end, `planted` the faults that must be noticed, `runner` runs many seeds (`make soak`).
"""
