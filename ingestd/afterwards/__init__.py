"""What is done with a file once its row needs no more work: moved, deleted, emptied directories.

Everything here blocks for as long as a dead share does: it runs in a worker. Each step leaves the
file whole in at least one place, and doing the same order again after a crash at any point ends
with it in exactly one.

Nothing is exported here: the loop needs the words of `order`, and only workers what does it.
"""
