"""What providers report later: the body of one callback in, receipts out.

The formats are the providers' own (config/providers/*.yaml); numbers of people are not kept.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from alerts.channels.codes import parsed
from alerts.channels.templated import found_text
from alerts.markup import visible
from config.provider_schema import ReceiptRules
from storage.records import ChannelId, Receipt

_MOST_REPORTS = 500  # in one callback; Aliyun and Tencent push some dozens
_TEXT_CHARACTERS = 120
_NUMBERS = re.compile(r"\+?[0-9*]{7,}")


def read_receipts(
    channel_id: ChannelId, rules: ReceiptRules, body: bytes, now: datetime
) -> list[Receipt] | None:
    """Return the reports of one callback; None when it is not in the provider's format.

    Reports without a number of a message are left out: they belong to nobody.
    """
    try:
        reports = jmespath.search(rules.each, parsed(body))
    except JMESPathError:
        return None
    if isinstance(reports, dict):
        reports = [reports]
    if not isinstance(reports, list):
        return None
    found = [_receipt(channel_id, rules, report, now) for report in reports[:_MOST_REPORTS]]
    return [receipt for receipt in found if receipt is not None]


def _receipt(
    channel_id: ChannelId, rules: ReceiptRules, report: Any, now: datetime
) -> Receipt | None:
    message_id = visible(found_text(rules.id, report))[:_TEXT_CHARACTERS]
    if not message_id:
        return None
    state = found_text(rules.state, report)
    named = "answered" if state in rules.answered else "failed"
    text = found_text(rules.text, report) if rules.text else state
    return Receipt(
        channel_id=channel_id,
        provider_message_id=message_id,
        at=now,
        state="delivered" if state in rules.delivered else named,
        text=_NUMBERS.sub("***", visible(text))[:_TEXT_CHARACTERS],
    )
