"""What is remembered.

The frozen records that stages exchange, the tables, the store (the only place that commits) and
the migrations.
"""
