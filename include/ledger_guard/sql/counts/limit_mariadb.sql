-- Bound what follows in this session, and read `timestamp` columns in UTC, whatever the server's zone. Parameters: seconds
-- (number). No rows.
set session max_statement_time = :seconds, time_zone = '+00:00'
