-- Authority, as liveness is for attempts: the last beat of whoever holds a lease without a task. Keyed by the lease, because there is nothing else.
create table framelease.holders (
  lease_uid     varchar     not null,
  holder        varchar     not null,
  timeout       integer     not null,
  sequence      bigint      not null default 0,
  beat_at       timestamptz not null default clock_timestamp(),
  per_mille     integer     not null default 0,
  message       varchar,
  progress      bigint      not null default 0,
  progress_at   timestamptz not null default clock_timestamp(),
  drain_told_at timestamptz,
  constraint holders_pkey primary key (lease_uid)
) with (fillfactor = 50);
