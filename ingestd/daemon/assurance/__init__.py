"""Does the journal know all that was paid? Mirror, strangers, the key's account."""
