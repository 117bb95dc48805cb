-- A change of authority (R12) puts every slot into quarantine, also those that nobody holds on record. Whoever may use them all the same is
-- known by the pods that were there: a slot is free again once all of its node's have ended. Tokens then go on above the floor.
alter table framelease.slots add column token_floor bigint not null default 0;
alter table framelease.slots drop constraint slots_check;
alter table framelease.slots add constraint slots_lease_check check (
  case state when 'Free' then lease_uid is null when 'Granted' then lease_uid is not null else true end);
create table framelease.authority_pods (
  pod_uid     varchar not null,
  pod_name    varchar not null,
  node        varchar not null,
  incarnation bigint  not null,
  constraint authority_pods_pkey primary key (pod_uid)
);
create index authority_pods_by_node on framelease.authority_pods (node);
