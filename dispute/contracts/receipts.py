"""Text of a receipt, for the person who gets it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from dispute.calendar.days import ZONE

_FORM: Final = "%Y-%m-%d %H:%M:%S"


def receipt_note(accepted_at: datetime) -> str:
    """Return what a receipt proves, Chinese first.

    Made of the instant alone, so that each repeat of a receipt says the same. Whether mediation was applied for is not
    judged here: who claims it shows the receipt.

    Args:
        accepted_at: UTC, aware. The instant of the durable commit.

    Source:
        民法典 195.
    """
    at = accepted_at.astimezone(ZONE).strftime(_FORM)
    zh = f"已于北京时间 {at} 收到；依法申请调解的，诉讼时效自该时刻中断（民法典第195条）"
    en = f"received at {at} Beijing time; an application for mediation interrupts limitation then (Civil Code 195)"
    return f"{zh} / {en}"
