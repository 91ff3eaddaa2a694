-- A place for openings on their way in, until the transaction ends. Parameters: none. Rows: none.
create temporary table new_opening (player_id text not null, available bigint not null, held bigint not null) on commit drop
