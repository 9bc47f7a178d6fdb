"""The demonstration: an invented brand, its daily noise, a crisis, and a local site."""
