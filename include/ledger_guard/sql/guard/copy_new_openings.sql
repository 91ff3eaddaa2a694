-- Take openings in over the copy protocol. Parameters: none. Rows: none.
copy new_opening (player_id, available, held) from stdin
