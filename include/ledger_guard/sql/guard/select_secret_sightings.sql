-- Every fingerprint that was seen under a secret's name, first seen first.
-- Parameters: secret_name. Rows: one a fingerprint. Index relied on: primary key of secret_sighting.
select secret_name, fingerprint, first_seen_at, last_seen_at
from ledger_guard.secret_sighting
where secret_name = %(secret_name)s
order by first_seen_at, fingerprint
