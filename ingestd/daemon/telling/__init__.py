"""What a person and the service manager are told."""
