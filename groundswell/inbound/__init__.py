"""The ways back: what people write in answer to a message becomes an act on its incident.

`reading` reads a text, `letters` a mail; `desk` finds out who wrote and acts; `dingtalk`, `feishu`,
`mailbox` and `sms` bring texts in; `listening` keeps them going beside the main job.
"""
