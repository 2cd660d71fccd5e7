"""A stand-in of the remote API on this machine, with switches for everything that may go wrong.

Written from the API's contract alone: it shares no code with the client that it is used to test.
`docs/sim.md` describes settings, faults and the report.
"""

from ingestd.sim.fault_kinds import FaultKind
from ingestd.sim.faults import Fault
from ingestd.sim.settings import SimSettings, from_json
from ingestd.sim.sim import Sim

__all__ = ["Fault", "FaultKind", "Sim", "SimSettings", "from_json"]
