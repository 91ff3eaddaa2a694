-- Rows in the default partition of a table, counted up to a limit. Placeholders: rest (the default partition), key (its column).
-- Parameters: at_most (integer). Rows: exactly one. Index relied on: none, at most at_most rows are read.
select count(*) as rows, min(moment) as oldest, max(moment) as newest
from (select {key} as moment from {rest} limit %(at_most)s) as some
