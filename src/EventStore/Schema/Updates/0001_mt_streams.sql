-- One row a stream; the columns, names and keys are Marten 9's (string stream identity, single tenancy). Add nothing here: Marten drops
-- what it does not know. What is ours lives in the schema framelease.
create table framelease_events.mt_streams (
  id          varchar     not null,
  type        varchar     null,
  version     bigint      null,
  timestamp   timestamptz not null default (now()),
  created     timestamptz not null default (now()),
  tenant_id   varchar     null     default '*DEFAULT*',
  is_archived boolean     null     default false,
  constraint pkey_mt_streams_id primary key (id)
);
