"""Collect: feed and page spiders driven by YAML.

Polite and guarded fetching, charset, dates, extraction and the health of each source.
"""
