-- A login of the guard's, without a password: set one with psql's \password, or leave it to your own way of logging in.
do $$ begin
    if not exists (select from pg_roles where rolname = {role_text}) then
        create role {role} login;
    end if;
    execute format('grant connect, temporary on database %I to %I', current_database(), {role_text});
end $$
