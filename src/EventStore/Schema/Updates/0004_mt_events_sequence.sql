-- Positions in the log. Cache 1 (the default): numbers rise in the order in which they are drawn, which safe_position relies on.
create sequence framelease_events.mt_events_sequence owned by framelease_events.mt_events.seq_id;
