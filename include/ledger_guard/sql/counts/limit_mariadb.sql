-- Bound what follows in this session. Parameters: seconds (number). No rows.
set session max_statement_time = :seconds
