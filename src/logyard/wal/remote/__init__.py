"""The ingest log on a quorum: the frames of docs/formats/wal.md as messages of a remote journal.

::

    append ─► intake (bounded) ─► writer: publish, wait for the quorum, acknowledge
                                     │ messages behind one another in a chain, one writer at a time
                                     ▼
              spool (this machine, not synced): 84.lines.open ──seal mark──► 84.lines.sealed ─► readers
                                     ▲                                            │
              a start: all that the journal holds ─► replay                cursors, kept beside the journal
                                                                                  └─► passed by all: purged

The spool is a copy that may be lost at any time. What stands in the journal decides alone: where segments begin
and end, what they are called, which messages count. So a successor, here or on another machine, makes the same
segments with the same tokens out of it. Layout, limits, invariants, recovery: docs/formats/buffers.md.
"""
