"""A real HTTP server on loopback with pages that behave well and pages that do not."""
