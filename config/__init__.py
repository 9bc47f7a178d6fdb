"""What is watched, who answers, how often.

The schema, the YAML loader with file:line errors, the SSRF guard and the example project.
"""
