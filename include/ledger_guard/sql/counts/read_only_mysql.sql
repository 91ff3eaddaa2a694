-- Let no transaction that follows in this session write; on MySQL and MariaDB. No parameters. No rows.
set session transaction read only
