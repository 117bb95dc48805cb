-- Leases of pools that detect only: what their holders' silence, stall or hard limit would have ended is on record, once.
alter table framelease.leases
  add column detect_only boolean not null default false,
  add column detected_at timestamptz,
  add column detected_cause varchar;
