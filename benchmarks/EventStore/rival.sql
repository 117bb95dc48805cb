-- The rival: the shape in which Marten appends (a function called once per append, a loop over its events, expected version checked first),
-- written for this benchmark, on tables of the same columns, keys and indexes, in a schema of its own.
create schema rival;
create table rival.mt_streams (
  id varchar constraint pkey_rival_streams_id primary key, type varchar, version bigint, timestamp timestamptz not null default now(),
  created timestamptz not null default now(), tenant_id varchar default '*DEFAULT*', is_archived boolean default false);
create table rival.mt_events (
  seq_id bigint constraint pkey_rival_events_seq_id primary key, id uuid not null, stream_id varchar references rival.mt_streams (id) on delete cascade,
  version bigint not null, data jsonb not null, bdata bytea, type varchar(500) not null, timestamp timestamptz not null,
  tenant_id varchar default '*DEFAULT*', mt_dotnet_type varchar, correlation_id varchar, causation_id varchar, headers jsonb, user_name varchar,
  is_archived boolean default false);
create unique index rival_events_stream_and_version on rival.mt_events (stream_id, version);
create sequence rival.mt_events_sequence owned by rival.mt_events.seq_id;

create function rival.quick_append_events(
  stream varchar, stream_type varchar, tenantid varchar, event_ids uuid[], event_types varchar[], dotnet_types varchar[], bodies jsonb[],
  causation_ids varchar[], correlation_ids varchar[], all_headers jsonb[], user_names varchar[], timestamps timestamptz[], expected_version bigint default null)
returns bigint[] language plpgsql as $$
declare
  v_version bigint;
  v_archived boolean;
  v_seq bigint;
  v_index int := 1;
  v_body jsonb;
  v_result bigint[];
begin
  select s.version, s.is_archived into v_version, v_archived from rival.mt_streams as s where s.id = stream;
  if expected_version is not null and expected_version <> coalesce(v_version, 0) then
    raise exception using errcode = 'MT003', message = 'unexpected version';
  end if;
  if v_version is null then
    v_version := 0;
    insert into rival.mt_streams (id, type, version, timestamp, tenant_id) values (stream, stream_type, 0, now(), tenantid);
  elsif v_archived then
    raise exception using errcode = 'MT001', message = 'archived';
  end if;
  v_result := array[v_version + cardinality(event_ids)];
  foreach v_body in array bodies loop
    v_seq := nextval('rival.mt_events_sequence');
    v_version := v_version + 1;
    v_result := v_result || v_seq;
    insert into rival.mt_events (seq_id, id, stream_id, version, data, type, tenant_id, timestamp, mt_dotnet_type, causation_id, correlation_id,
      headers, user_name, is_archived)
    values (v_seq, event_ids[v_index], stream, v_version, v_body, event_types[v_index], tenantid, timestamps[v_index], dotnet_types[v_index],
      causation_ids[v_index], correlation_ids[v_index], all_headers[v_index], user_names[v_index], false);
    v_index := v_index + 1;
  end loop;
  update rival.mt_streams as s set version = v_version, timestamp = now() where s.id = stream;
  return v_result;
end $$;
