"""From the queue to the end of an attempt: gates, pace, preflight, mark, outcome."""
