"""The write-ahead log: an accepted batch is here, and safe, before it is acknowledged.

::

    append ─► intake (bounded) ─► writer: write, one fdatasync for all who wait, acknowledge
                                     │
              00000000000000000042.lines.open ──seal (size, rows, age, asked)──► 42.lines.sealed
                                                                                   │ read where it lies
                                        cursors/store, cursors/<output> ◄──advance──┘ passed by all: deleted

Invariants: what was acknowledged is in a segment until every cursor has passed it; what was refused never
shows up in a sealed segment of the process that refused it; a batch is read back byte for byte or not at
all, and what is not is counted and kept aside. Byte layout, recovery and limits: docs/formats/wal.md.
"""
