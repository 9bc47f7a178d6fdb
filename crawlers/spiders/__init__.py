"""Spiders written by hand, for what no YAML can say; `base` has what they are made of.

A source names one as `spider: module.Class`: a module in this folder, or `spiders/module.py` in the
project's own folder. A spider only reads: it is given one decoded page and yields what it found and
which addresses to fetch. Fetching, politeness, guards, frontier and pipeline are the same as for
every other kind, because a spider has no way to fetch by itself. Its code runs in the parsing child
only (with a deadline, expendable), never in the program; but it is code, with the rights of the
user who runs the program: a project's spiders must belong to that user and be writable by nobody
else, or they are not loaded (config.spider_files).
"""
