"""Seeing: the scan that is the truth, the hints that make it quicker, names and mounts.

The rooms in here know the file system and nothing of the journal or the far side. `names` and
`junk` are pure, `mounts` parses text, `scan` lists and stats, `hints` wakes. What is settled is
decided in `ingestd.settle`.
"""
