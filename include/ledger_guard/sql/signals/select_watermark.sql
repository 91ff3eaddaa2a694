-- Purpose: up to which moment a source has delivered everything. Parameters: source (text).
-- Rows: one, or none when it never delivered. Index: source_watermark's primary key.
select complete_through
from ledger_guard.source_watermark
where source = %(source)s
