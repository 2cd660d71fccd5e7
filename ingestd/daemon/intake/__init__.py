"""From a watched folder into the journal: seeing, settling, judging, comparing, holding."""
