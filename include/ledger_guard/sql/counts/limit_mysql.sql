-- Bound what follows in this session, and read `timestamp` columns in UTC, whatever the server's zone. Parameters: milliseconds
-- (number). No rows.
set session max_execution_time = :milliseconds, time_zone = '+00:00'
