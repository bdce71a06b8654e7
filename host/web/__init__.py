"""The built-in live page."""
