-- One row a record. Partition by day, so that retention drops whole partitions; what arrives long after its time by month or
-- year, so that a batch with a record of every day since 1970 makes hundreds of parts and not a hundred thousand. Key by
-- five-minute bucket and service, so that one service's records of one moment lie together. docs/adr/0001-schema.md has the
-- measurements.
CREATE TABLE IF NOT EXISTS logs
(
    id Int64 CODEC(Delta, ZSTD(1)),
    timestamp DateTime64(9, 'UTC') CODEC(GCD, Delta, ZSTD(1)),
    observed DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    tenant LowCardinality(String) CODEC(ZSTD(1)),
    level LowCardinality(String) CODEC(ZSTD(1)),
    severity UInt8 CODEC(ZSTD(1)),
    level_text LowCardinality(String) CODEC(ZSTD(1)),
    service LowCardinality(String) CODEC(ZSTD(1)),
    host LowCardinality(String) CODEC(ZSTD(1)),
    source LowCardinality(String) CODEC(ZSTD(1)),
    stream LowCardinality(String) CODEC(ZSTD(1)),
    message String CODEC(ZSTD(3)),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    correlation_id String CODEC(ZSTD(1)),
    tags Array(LowCardinality(String)) CODEC(ZSTD(1)),
    -- Dotted name to text. A value is JSON text, but a string stands without its quotes where it cannot be mistaken for
    -- anything else: the string "12" is kept as "12" with quotes, the number as 12, the word ready as ready.
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(3)),
    -- Dotted names that were objects in what the sender wrote: a record goes back nested as it came.
    objects Array(LowCardinality(String)) CODEC(ZSTD(1)),
    origin LowCardinality(String) CODEC(ZSTD(1)),
    items Array(String) ALIAS arrayMap((k, v) -> concat(k, '=', v), mapKeys(attributes), mapValues(attributes)),
    -- What the index of words reads: the words of the query language (query/tokens.py), in their case, so that a query for a
    -- word is answered by the index alone. The tokenizer parts at ASCII but letters and digits, and only there: what is
    -- neither letter nor digit beyond ASCII becomes a blank, and "_", which is inside of words, a character that no text
    -- holds by then (U+E000). A column, not a preprocessor of the index: the engine forgets that one where it does not use it.
    words String ALIAS replaceAll(
        if(isValidASCII(message), message, replaceRegexpAll(message, '[^\\p{L}\\p{Nd}[:ascii:]]', ' ')), '_', '\xEE\x80\x80'),
    INDEX message_words words TYPE text(tokenizer = splitByNonAlpha, posting_list_codec = 'bitpacking'),
    INDEX attribute_items items TYPE text(tokenizer = array, posting_list_codec = 'bitpacking'),
    INDEX trace_ids trace_id TYPE bloom_filter(0.02) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY multiIf(
    abs(dateDiff('day', timestamp, observed)) <= 45, toYYYYMMDD(timestamp),
    abs(dateDiff('day', timestamp, observed)) <= 1100, toYYYYMM(timestamp),
    toYear(timestamp))
ORDER BY (toStartOfInterval(timestamp, INTERVAL 5 MINUTE), service, timestamp)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1,
    old_parts_lifetime = 60, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1
