"""Asking the far side about rows it has, or may have, and what was learnt of how it answers."""
