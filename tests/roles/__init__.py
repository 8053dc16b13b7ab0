"""`make roles`: every call by every role, over the wire, beside what was written down."""
