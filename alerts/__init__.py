"""Act: surge, grade, incident, routing, escalation and digest as pure decisions.

Delivery and channels send what was decided; deciding never imports sending.
"""
