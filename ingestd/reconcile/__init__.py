"""Journal, mirror and far side compared, and a journal rebuilt from the other two (rules R8)."""
