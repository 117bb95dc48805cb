-- A view of the lease streams: the queue, the deadlines of unattached grants, and the way from a name to a stream.
create table framelease.leases (
  uid            varchar     primary key,
  namespace      varchar     not null,
  name           varchar     not null,
  pool           varchar     not null,
  task_uid       varchar,
  scene          integer     not null,
  attempt        integer     not null,
  state          varchar     not null,
  attached       boolean     not null default false,
  requested_at   timestamptz not null default clock_timestamp(),
  granted_at     timestamptz,
  max_wait       integer     not null,
  start_deadline integer     not null
);
create index leases_waiting on framelease.leases (pool, requested_at, uid) where state = 'Pending';
create index leases_unattached on framelease.leases (granted_at) where state = 'Granted' and not attached;
create index leases_by_task on framelease.leases (task_uid);
create index leases_by_name on framelease.leases (namespace, name, requested_at desc);
