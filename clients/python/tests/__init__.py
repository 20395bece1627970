"""Tests of the client: against docs/WIRE.md, a daemon that misbehaves, and the real one."""
