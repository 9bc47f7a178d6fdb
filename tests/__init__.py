"""Tests mirror the folders; they use real parts, and fakes only for time and chance."""
