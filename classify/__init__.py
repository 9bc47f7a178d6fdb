"""Understand: text becomes brand hits, a negative score, an issue class and a cluster.

Training and evaluation live here too.
"""
