-- Purpose: stands for seen_openings.sql where only the number of findings counts: what was seen changes their cause alone. Rows: none.
select null::text as player_id, null::bigint as available, null::bigint as held
where false
