"""The far side: its contract (`contract`) and the httpx client that keeps it."""
