-- Gaps that a Marten daemon skipped; ours never writes here, a Marten 9 store expects the table.
create table framelease_events.mt_high_water_skips (
  ending_sequence   bigint      not null,
  starting_sequence bigint      not null,
  timestamp         timestamptz null default (transaction_timestamp()),
  constraint pkey_mt_high_water_skips_ending_sequence primary key (ending_sequence)
);
