-- A unique index, not a constraint, because that is what Marten compares with.
create unique index pk_mt_events_stream_and_version on framelease_events.mt_events using btree (stream_id, version);
