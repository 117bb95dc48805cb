-- A view of the task streams: the way from a pod to its attempt, and what a heartbeat must equal (R2).
create table framelease.attempts (
  task_uid  varchar not null,
  scene     integer not null,
  attempt   integer not null,
  pod_uid   varchar not null,
  pod_name  varchar not null,
  namespace varchar not null,
  task_name varchar not null,
  lease_uid varchar,
  token     bigint  not null,
  state     varchar not null check (state in ('Started', 'Attached', 'Ended')),
  timeout   integer not null,
  primary key (task_uid, scene, attempt)
);
create unique index attempts_by_pod on framelease.attempts (pod_uid);
create index attempts_by_lease on framelease.attempts (lease_uid) where lease_uid is not null;
create index attempts_attached on framelease.attempts (task_uid) where state = 'Attached';
