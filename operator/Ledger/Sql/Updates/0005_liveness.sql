-- Authority: the last beat of each attached attempt. Written at every beat: narrow, no index beyond its key, room for HOT updates.
create table framelease.liveness (
  task_uid     varchar     not null,
  scene        integer     not null,
  attempt      integer     not null,
  sequence     bigint      not null default 0,
  beat_at      timestamptz not null default clock_timestamp(),
  phase        varchar     not null default 'Attached',
  frames       bigint      not null default 0,
  total_frames bigint      not null default 0,
  fps_millis   bigint      not null default 0,
  speed_millis bigint      not null default 0,
  per_mille    integer     not null default 0,
  output_bytes bigint      not null default 0,
  message      varchar,
  primary key (task_uid, scene, attempt)
) with (fillfactor = 50);
