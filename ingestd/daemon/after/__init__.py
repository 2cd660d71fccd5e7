"""What becomes of a file once its row needs no more work."""
