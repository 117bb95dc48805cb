-- A view of the task streams: the way from a name to a stream, also after the object is gone.
create table framelease.tasks (
  uid        varchar     primary key,
  namespace  varchar     not null,
  name       varchar     not null,
  tenant     varchar,
  engine     varchar,
  phase      varchar     not null,
  created_at timestamptz not null default clock_timestamp(),
  ended_at   timestamptz
);
create index tasks_by_name on framelease.tasks (namespace, name, created_at desc);
create index tasks_by_tenant on framelease.tasks (tenant, phase, created_at desc);
