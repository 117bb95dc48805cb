-- Command ids that were committed, with what they committed: a repeated command changes nothing and gets the first result.
create table framelease.commands (
  id           varchar     not null,
  result       jsonb       null,
  committed_at timestamptz not null default clock_timestamp(),
  constraint commands_pkey primary key (id)
);
create index commands_committed_at on framelease.commands (committed_at);
