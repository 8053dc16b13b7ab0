"""Save first, publish second: numbered outbox, relay (`Publisher` port), reader (`Feed` port): design D1, D3, D7."""
