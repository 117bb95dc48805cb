-- What holders tell of their devices with their beats: percent, MiB, degrees Celsius; null = not told.
alter table framelease.liveness
  add column utilisation integer,
  add column memory_used bigint,
  add column memory_total bigint,
  add column temperature integer;
alter table framelease.holders
  add column utilisation integer,
  add column memory_used bigint,
  add column memory_total bigint,
  add column temperature integer;
