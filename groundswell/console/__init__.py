"""The console: server-rendered pages on which people see incidents and act on them."""
