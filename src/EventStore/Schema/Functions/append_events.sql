-- Appends to one stream. The version is checked (and the stream's row locked) before a sequence number is drawn, so that losers leave no
-- gaps. p_expected: 0 = new stream, n = exactly n, null = any. MT003 = other version (detail: the actual one), MT001 = archived.
create or replace function framelease.append_events(
  p_stream varchar, p_stream_type varchar, p_expected bigint,
  p_ids uuid[], p_types varchar[], p_dotnet_types varchar[], p_data jsonb[], p_headers jsonb[],
  p_correlation varchar, p_causation varchar, p_user varchar, p_record boolean,
  out r_version bigint, out r_sequences bigint[], out r_timestamp timestamptz)
language plpgsql as $$
declare
  v_count constant bigint := cardinality(p_ids);
  v_archived boolean;
begin
  if p_expected = 0 then
    insert into framelease_events.mt_streams as s (id, type, version, timestamp, created, tenant_id, is_archived)
    values (p_stream, p_stream_type, v_count, clock_timestamp(), clock_timestamp(), '*DEFAULT*', false)
    on conflict (id) do nothing
    returning s.version, s.timestamp into r_version, r_timestamp;
  elsif p_expected is null then
    insert into framelease_events.mt_streams as s (id, type, version, timestamp, created, tenant_id, is_archived)
    values (p_stream, p_stream_type, v_count, clock_timestamp(), clock_timestamp(), '*DEFAULT*', false)
    on conflict (id) do update set version = coalesce(s.version, 0) + v_count, timestamp = clock_timestamp() where s.is_archived is not true
    returning s.version, s.timestamp into r_version, r_timestamp;
  end if;
  -- 0 also matches a stream that was created without events
  if r_version is null and p_expected is not null then
    update framelease_events.mt_streams as s set version = p_expected + v_count, timestamp = clock_timestamp()
    where s.id = p_stream and s.version = p_expected and s.is_archived is not true
    returning s.version, s.timestamp into r_version, r_timestamp;
  end if;
  if r_version is null then
    select s.version, s.is_archived into r_version, v_archived from framelease_events.mt_streams as s where s.id = p_stream;
    if v_archived then
      raise exception using errcode = 'MT001', message = format('The event stream ''%s'' is archived', p_stream);
    end if;
    raise exception using errcode = 'MT003', detail = coalesce(r_version, 0)::text,
      message = format('Unexpected starting version number for event stream ''%s'', expected %s but was %s', p_stream, p_expected, coalesce(r_version, 0));
  end if;

  perform framelease.hold_position();

  -- nearly every append: the plan for many costs a quarter more
  if v_count = 1 then
    insert into framelease_events.mt_events as e (seq_id, id, stream_id, version, data, type, timestamp, tenant_id, mt_dotnet_type,
      correlation_id, causation_id, headers, user_name, is_archived)
    values (nextval('framelease_events.mt_events_sequence'), p_ids[1], p_stream, r_version, p_data[1], p_types[1], r_timestamp,
      '*DEFAULT*', p_dotnet_types[1], p_correlation, p_causation, p_headers[1], p_user, false)
    returning array[e.seq_id] into r_sequences;
  else
    with appended as (
      insert into framelease_events.mt_events as e (seq_id, id, stream_id, version, data, type, timestamp, tenant_id, mt_dotnet_type,
        correlation_id, causation_id, headers, user_name, is_archived)
      select nextval('framelease_events.mt_events_sequence'), n.id, p_stream, r_version - v_count + n.ordinal, n.data, n.type, r_timestamp,
        '*DEFAULT*', n.dotnet_type, p_correlation, p_causation, n.headers, p_user, false
      from unnest(p_ids, p_types, p_dotnet_types, p_data, p_headers) with ordinality as n (id, type, dotnet_type, data, headers, ordinal)
      returning e.seq_id, e.version)
    select array_agg(a.seq_id order by a.version) into r_sequences from appended as a;
  end if;

  if p_record then
    -- kept for the command row, which is completed at the end of the same transaction
    perform set_config('framelease.commit',
      (coalesce(nullif(current_setting('framelease.commit', true), ''), '[]')::jsonb
        || jsonb_build_object('stream', p_stream, 'version', r_version, 'sequences', to_jsonb(r_sequences)))::text, true);
  end if;
end
$$;
