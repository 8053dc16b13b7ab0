"""Simulates the petition office.

It uses REST, mostly in batches.
"""

from __future__ import annotations

from ops.play.simulators.answers import Patience
from ops.play.simulators.rest import RestPartner


class PetitionSystem(RestPartner):
    """One petition office's system.

    Args:
        agency: For example `petition-620725`.
        url: HTTP address of the petition bridge.
        api_key: Credential.
        patience: Retries calls that get no answer.
    """

    def __init__(self, agency: str, url: str, api_key: str, patience: Patience) -> None:
        super().__init__(url, api_key, "/v1/petitions", "petition", patience)
        self.agency = agency
