-- Batches whose sender chose the id: what they got, so that the same request may come again at any time.
CREATE TABLE IF NOT EXISTS keyed_batches
(
    batch FixedString(16),
    first Int64,
    rows UInt32,
    received DateTime64(9, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY batch
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1,
    old_parts_lifetime = 60, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1
