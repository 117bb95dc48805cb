-- Holders that no pod shows, such as `framelease lease run`: their GpuLeases said at a change of authority (R12) that they have a slot. It is not
-- granted before their end is proven; `ended` is that proof, in words.
create table framelease.authority_holders (
  lease_uid   varchar not null,
  lease_name  varchar not null,
  node        varchar not null,
  device      varchar not null,
  slot        integer not null,
  token       bigint  not null,
  boot_id     varchar,
  incarnation bigint  not null,
  ended       varchar,
  constraint authority_holders_pkey primary key (lease_uid)
);
create index authority_holders_by_slot on framelease.authority_holders (node, device, slot);
