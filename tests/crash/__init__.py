"""Real processes killed at chosen commits and sends: nothing is lost and nothing is done twice."""
