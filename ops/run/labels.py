"""Labels of codes for people, Chinese first; a code that is newer than this command stands as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dispute.lifecycle import STATE_TERMS, Channel, State

LIMITS: Final[Mapping[str, str]] = {
    "due_on": "调解期限",
    "sign_by": "签收期限",
    "screen_by": "补充材料期限",
    "local_due_on": "本县办理期限",
    "statutory_due_on": "法定办理期限",
    "preserved": "保全后起诉期限",
    "state": "环节期限",
    "follow_up": "回访",
    "met": "见面期限",
    "investigated": "调查期限",
    "fed_back": "反馈期限",
    "concluded": "办结期限",
}
"""Names of limits as intake tells them."""
LEVELS: Final[Mapping[str, str]] = {
    "reminded": "已提醒",
    "overdue": "已逾期",
    "supervised": "督办",
    "escalated": "提级督办",
}
OWNERS: Final[Mapping[str, str]] = {
    "clerk": "窗口",
    "dispatcher": "分流员",
    "handler": "承办单位",
    "mediator": "调解员",
    "reviewer": "审核员",
    "leader": "领导",
    "court": "法院",
}
"""Roles that have to act, as the rules of states name them."""


def level_label(code: str) -> str:
    """Return a level of supervision."""
    return _label(LEVELS, code)


def limit_label(code: str) -> str:
    """Return a limit."""
    return _label(LIMITS, code)


def owner_label(code: str) -> str:
    """Return a role that has to act."""
    return _label(OWNERS, code)


def state_label(code: str) -> str:
    """Return a state."""
    return f"{STATE_TERMS[State(code)]} {code}" if code in set(State) else code


def channel_label(code: str) -> str:
    """Return a channel."""
    return f"{Channel(code).zh} {code}" if code in set(Channel) else code


def _label(terms: Mapping[str, str], code: str) -> str:
    return f"{terms[code]} {code}" if code in terms else code
