-- Leadership: who holds a role, under which epoch. Taking over always raises the epoch; every fenced session reads the row FOR SHARE.
create table framelease.epochs (
  cluster    varchar     not null,
  role       varchar     not null,
  epoch      bigint      not null,
  holder     varchar     null,
  renewed_at timestamptz not null default clock_timestamp(),
  constraint epochs_pkey primary key (cluster, role)
);
comment on column framelease.epochs.holder is 'null: released, anyone may take over at once';
