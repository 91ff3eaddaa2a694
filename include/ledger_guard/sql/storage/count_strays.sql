-- Rows in the default partition of a table, counted up to a limit. Placeholders: rest (the default partition), key (its column).
-- Parameters: at_most (integer). Rows: exactly one; moments that no calendar reaches are told as its ends. Index relied on: none,
-- at most at_most rows are read.
select
    count(*) as rows,
    min(moment) as oldest,
    max(moment) as newest
from (select least(greatest({key}, '0001-01-02T00:00:00Z'), '9999-12-30T00:00:00Z') as moment from {rest} limit %(at_most)s) as counted
