"""What people ask for through commands."""
