-- Keys that the replicas share: one signs attempt credentials, one signs object URLs.
create table framelease.signing_keys (
  purpose    varchar     primary key,
  key        bytea       not null,
  created_at timestamptz not null default clock_timestamp()
);
