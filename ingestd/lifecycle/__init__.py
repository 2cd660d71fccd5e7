"""What may become of a row: the transition table, the events, and what each does to a row.

Everything here is pure: the time, the jitter and the policy are arguments, the answer is the row
as it is to be.
"""

from ingestd.lifecycle.decisions import decide
from ingestd.lifecycle.policy import Decision, Policy
from ingestd.lifecycle.table import ENDED, TRANSITIONS, UNSENT, diagram, legal

__all__ = ["ENDED", "TRANSITIONS", "UNSENT", "Decision", "Policy", "decide", "diagram", "legal"]
