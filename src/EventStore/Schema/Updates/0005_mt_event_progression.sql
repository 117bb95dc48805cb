-- How far each asynchronous projection has come; Marten's table, so that both show the same progress.
create table framelease_events.mt_event_progression (
  name         varchar     not null,
  last_seq_id  bigint      null,
  last_updated timestamptz null default (transaction_timestamp()),
  constraint pk_mt_event_progression primary key (name)
);
