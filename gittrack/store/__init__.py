"""Bytes at rest: Git objects, journals, blobs, locks."""
