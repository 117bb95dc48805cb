-- Refuses the session when an attempt has beaten since its silence was seen (SilenceBroken). The caller holds the lock of the attempt's row,
-- which every beat takes first.
create or replace function framelease.expect_silence(in_task varchar, in_scene integer, in_attempt integer, seen bigint)
returns void language plpgsql as $$
begin
  perform 1 from framelease.liveness
    where task_uid = in_task and scene = in_scene and attempt = in_attempt and sequence <> seen;
  if found then
    perform framelease.raise('SilenceBroken', format('scene %s attempt %s of task %s has beaten since', in_scene, in_attempt, in_task));
  end if;
end $$;
