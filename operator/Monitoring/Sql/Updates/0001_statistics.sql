-- What the log adds up to, for metrics and for the monitoring API: a view, kept behind the log. Spans first: one row a lease and one an
-- attempt, from which durations are taken when it ends.
create table framelease.lease_spans (
  uid            varchar     primary key,
  namespace      varchar     not null,
  name           varchar     not null,
  pool           varchar     not null,
  holder         varchar     not null,
  task_uid       varchar,
  scene          integer     not null,
  attempt        integer     not null,
  requested_at   timestamptz not null,
  requested_seq  bigint      not null,
  granted_at     timestamptz,
  cluster        varchar,
  node           varchar,
  device         varchar,
  device_index   integer,
  slot           integer,
  token          bigint,
  attached_at    timestamptz,
  pod_uid        varchar,
  ended_at       timestamptz,
  ended_seq      bigint,
  ending         varchar,
  cause          varchar,
  quarantined_at timestamptz,
  freed_at       timestamptz,
  proof          varchar,
  came_back      boolean     not null default false
);
create index lease_spans_newest on framelease.lease_spans (requested_seq desc);
create index lease_spans_held on framelease.lease_spans (granted_at) where granted_at is not null and freed_at is null;
create index lease_spans_ended on framelease.lease_spans (ended_seq desc) where ended_seq is not null;
create index lease_spans_by_device on framelease.lease_spans (device, granted_at desc) where device is not null;

create table framelease.attempt_spans (
  task_uid    varchar not null,
  scene       integer not null,
  attempt     integer not null,
  attached_at timestamptz,
  ended_at    timestamptz,
  primary key (task_uid, scene, attempt)
);

create table framelease.task_spans (
  task_uid    varchar primary key,
  engine      varchar not null,
  accepted_at timestamptz not null
);

-- When a slot became free the last time: the beginning of a hand-over.
create table framelease.slot_spans (
  cluster varchar not null,
  node    varchar not null,
  device  varchar not null,
  slot    integer not null,
  free_at timestamptz not null,
  primary key (cluster, node, device, slot)
);

-- Sums: a counter is bucket 0, a histogram has a row for each bucket that was ever hit. Whole milliseconds, so that the order of adding
-- never shows.
create table framelease.statistics (
  metric varchar not null,
  label  varchar not null,
  detail varchar not null,
  bucket integer not null,
  count  bigint  not null,
  millis bigint  not null,
  primary key (metric, label, detail, bucket)
);
