-- What lists of tasks show, and the number of the log from which a list goes on. Rows of before have 0 there, and are listed last, until the view is made
-- anew: framelease events rebuild tasks.
alter table framelease.tasks
  add column accepted_seq bigint      not null default 0,
  add column reason       varchar,
  add column scenes       integer     not null default 1,
  add column scenes_done  integer     not null default 0,
  add column attempts     integer     not null default 0,
  add column is_suspended boolean     not null default false,
  add column started_at   timestamptz,
  add column output       varchar;
create index tasks_by_age on framelease.tasks (accepted_seq desc, uid);
create index tasks_of_namespace_by_age on framelease.tasks (namespace, accepted_seq desc, uid);
create index tasks_of_tenant_by_age on framelease.tasks (tenant, phase, accepted_seq desc, uid);
