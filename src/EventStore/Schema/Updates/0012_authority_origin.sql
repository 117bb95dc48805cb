-- A dump restored on the same server has the same system identifier and timeline, but its tables are new ones: the row says in which table
-- it was
-- written, and a copy of the row in another table tells of the restore.
alter table framelease.authority add column origin bigint not null default ('framelease.authority'::regclass)::oid::bigint;
