-- States folded from streams and kept, so that a long stream need not be read from its beginning. Worth nothing by themselves: any row may
-- go.
create table framelease.snapshots (
  stream        varchar     not null,
  aggregate     varchar     not null,
  state_version int         not null,
  version       bigint      not null,
  timestamp     timestamptz not null,
  state         jsonb       not null,
  constraint snapshots_pkey primary key (stream, aggregate)
);
comment on column framelease.snapshots.version is 'of the last event in the state; timestamp: of the same event';
comment on column framelease.snapshots.state_version is 'another than the program''s: the row is not read, and written anew';
