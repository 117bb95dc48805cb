-- What people were, and are to be, told of. Authority: written by the leader of the controllers alone.
create table framelease.alerts (
  key         varchar     primary key,
  name        varchar     not null,
  severity    varchar     not null,
  subject     varchar     not null,
  message     varchar     not null,
  since       timestamptz not null default clock_timestamp(),
  seen_at     timestamptz not null default clock_timestamp(),
  level       integer     not null default -1,
  told_at     timestamptz,
  handled_by  varchar,
  handled_at  timestamptz,
  note        varchar
);

-- The outbox: a row is written with the decision to tell, and leaves the queue when the sink has taken it. Its id stays the same
-- through all tries.
create table framelease.notifications (
  id          uuid        primary key,
  sink        varchar     not null,
  kind        varchar     not null,
  body        varchar     not null,
  created_at  timestamptz not null default clock_timestamp(),
  due_at      timestamptz not null default clock_timestamp(),
  tries       integer     not null default 0,
  sent_at     timestamptz,
  given_up_at timestamptz,
  error       varchar
);
create index notifications_due on framelease.notifications (due_at) where sent_at is null and given_up_at is null;
create index notifications_old on framelease.notifications (created_at);
