"""The schema's history, one revision a file, run by storage.migrate (there is no alembic.ini)."""

HEAD = "0006"  # the revision this program works with; a test holds it to the newest file
