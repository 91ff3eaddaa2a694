-- Bring in the windows of one `record` call.
-- Parameters: none; rows come over the copy protocol. Index relied on: none.
copy pg_temp.given_window (trigger, window_start, window_seconds, state, reason, sensed_at) from stdin
