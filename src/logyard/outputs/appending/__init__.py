"""Files that records are added to, each exactly once.

    write ──► whole lines at the end of a file, fsync ──► journal: its length, the batches' ids, fsync ──► return

What lies beyond the length that the journal has was cut off by a crash or a full disk: it is taken away before anything
is added, and its batches come again. What the journal has is not written again.
"""
