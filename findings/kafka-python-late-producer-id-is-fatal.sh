#!/usr/bin/env bash
# The guess: an idempotent producer asks the broker for its id; when that one request times out, because the broker is busy,
#   it asks again within its delivery time-out, as it does when the connection breaks and as Java's producer does.
# What happens: a broken connection is asked again, a time-out is final. The producer turns into its fatal state, fails
#   everything that was sent with a plain KafkaError ("… for unknown reasons") that is not among the retriable ones, and
#   stays useless for ever; only a new producer helps.
# Why it matters here: whoever tells retriable errors by their class takes a moment's slowness for a refusal that no
#   waiting heals. It ended intake on a machine whose three brokers were busy at its start; the publisher now takes a new
#   producer, unless the text names a missing right.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check "kafka-python==3.0.12"
"$folder/venv/bin/python" - <<'PY'
import logging
import sys

import kafka
from kafka.errors import KafkaConnectionError, KafkaError, RequestTimedOutError, RetriableError
from kafka.producer.transaction_manager import TransactionManager

logging.disable(logging.CRITICAL)


def after(answer):
    """What becomes of an idempotent producer whose first request for an id ended so."""
    manager = TransactionManager(api_version=(4, 0))
    manager.init_producer_id()
    handler = manager.next_request_handler(False)
    handler.on_complete(manager.next_in_flight_request_correlation_id(), answer)
    return manager


broken, late = after(KafkaConnectionError("broken")), after(RequestTimedOutError("late"))
asked_again = broken.next_request_handler(False) is not None
error = late.last_error
print(f"kafka-python {kafka.__version__}: after a broken connection the id is asked for again: {asked_again};")
print(f"after a time-out the producer is in its fatal state: {late.has_fatal_error()}, {type(error).__name__}: {error}")
plain = type(error) is KafkaError and not isinstance(error, RetriableError)
sys.exit(not (asked_again and not broken.has_fatal_error() and late.has_fatal_error() and plain))
PY
echo "as described"
