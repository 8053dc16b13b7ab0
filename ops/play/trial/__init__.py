"""`hub trial` tests a hub under steady load.

The hub runs on the wall clock; every service is paused and killed, and nothing may be lost.
"""
