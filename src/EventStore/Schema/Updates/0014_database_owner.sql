-- Whose log this is: one row, the name that the first program gave. Two that both thought it theirs would hand out the same things.
create table framelease.database_owner (
  only_one boolean     not null default true check (only_one),
  owner    varchar     not null,
  since    timestamptz not null default clock_timestamp(),
  constraint database_owner_pkey primary key (only_one)
);
