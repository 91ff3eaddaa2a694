-- Purpose: which types and statuses the ledger holds, and how often. No parameters. Rows: one a type and status, some dozens.
-- Reads the whole ledger once, within the statement's time limit.
select
    l.{ledger_type} as type,
    coalesce(l.{ledger_status}, '') as status,
    count(*) as rows,
    count(distinct l.{ledger_player}) as players
from {ledger} l
group by 1, 2
order by 1, 2
