-- Purpose: let the statements of this transaction take as long as the policy allows a comparison. Parameters: most_milliseconds (integer).
-- Rows: exactly one. Reads no table.
select set_config('statement_timeout', %(most_milliseconds)s::int::text, true)
