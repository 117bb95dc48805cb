create or replace function framelease.depot_count() returns bigint language sql as 'select count(*) from framelease.depots';
