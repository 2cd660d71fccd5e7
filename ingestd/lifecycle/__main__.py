"""Print the state diagram: `python -m ingestd.lifecycle > docs/states.md`."""

import sys

from ingestd.lifecycle.table import diagram

sys.stdout.write(diagram())
