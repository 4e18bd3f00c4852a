"""Nodes tell each other what they accept, so that a tail on any of them sees the records of all.

::

    inlet ─► Bus.publish ─► own Hub
                 │
                 └─► queue (bounded) ─► letters ─► Link (NATS, Redis) ─► other nodes' Bus ─► their Hub, as foreign

A bus that is away costs ingest nothing: what it cannot take is dropped and counted, and the others are told how many
rows they miss. Nobody relies on the bus for keeping anything.
"""
