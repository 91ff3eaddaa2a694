-- Bound what follows in this session. Parameters: milliseconds (text). No rows.
set session max_execution_time = :milliseconds
