"""Point 13: a service whose user may see its group but not read in it says so, instead of running and doing nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from kafka.admin import ACL, ACLOperation, ACLPermissionType, KafkaAdminClient, ResourcePattern, ResourceType

from tests.blackbox.hubs import RunningHub, wait_until

GROUPS = {"intake": "hub-intake", "stats": "hub-stats"}
NAMED_S = 60.0


def may_only_see(bootstrap: str, group: str) -> None:
    rule = ACL(
        principal="User:ANONYMOUS",
        host="*",
        operation=ACLOperation.DESCRIBE,
        permission_type=ACLPermissionType.ALLOW,
        resource_pattern=ResourcePattern(ResourceType.GROUP, group),
    )
    with KafkaAdminClient(bootstrap_servers=bootstrap) as client:
        client.create_acls([rule])


@pytest.mark.item("13")
@pytest.mark.parametrize("service", GROUPS)
def test_a_right_to_see_the_group_is_not_taken_for_a_right_to_read(
    ruled_kafka: str, service: str, tmp_path: Path
) -> None:
    """The group does not exist yet, as at each first start: that is where the answer of the broker misleads."""
    hub = RunningHub(tmp_path, "sqlite")
    may_only_see(ruled_kafka, GROUPS[service])
    try:
        hub.open_alone(service, ruled_kafka)
        wait_until(f"{service} ends and says why", lambda: hub.exit_code(service) is not None, NAMED_S)
        assert f"lacks READ on group {GROUPS[service]}" in hub.log(service)
    finally:
        hub.close()
