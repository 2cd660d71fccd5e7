"""ingestd: watches folders and uploads every new video once."""

__version__ = "0.1.0"
