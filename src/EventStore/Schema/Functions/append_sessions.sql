-- Commits several sessions, each of one stream, in one transaction: what the clients would else send in as many. Each session's version is
-- checked on its own; a refused one is reported, not raised, and the others go on. No stream twice (the caller sees to it). The rules are
-- those of append_events: rows are locked and versions checked before a number is drawn.
-- p_expected: 0 = new stream, n = exactly n, null = any. r_state: '' appended, MT003 other version (r_version: the actual one), MT001 archived.
create or replace function framelease.append_sessions(
  p_streams varchar[], p_expected bigint[], p_counts bigint[], p_correlation varchar[], p_causation varchar[], p_user varchar[],
  p_session integer[], p_ordinal integer[], p_ids uuid[], p_types varchar[], p_dotnet_types varchar[], p_data jsonb[], p_headers jsonb[])
returns table (r_state text, r_version bigint, r_sequences bigint[], r_now timestamptz)
-- Else PostgreSQL plans anew at every call, because it sees how long the arrays are: half of the time of a small group.
language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  v_sessions bigint[];
  v_versions bigint[];
  v_times timestamptz[];
begin
  -- in one order, so that groups of several processes do not deadlock
  perform from framelease_events.mt_streams as s where s.id = any (p_streams) order by s.id collate "C" for update;

  with input as (
    select i.* from unnest(p_streams, p_expected, p_counts) with ordinality as i (stream, expected, count, session)),
  started as (
    insert into framelease_events.mt_streams as s (id, type, version, timestamp, created, tenant_id, is_archived)
    select i.stream, null, i.count, clock_timestamp(), clock_timestamp(), '*DEFAULT*', false
    from input as i where i.expected = 0 order by i.stream collate "C"
    on conflict (id) do nothing
    returning s.id, s.version, s.timestamp),
  forced as (
    insert into framelease_events.mt_streams as s (id, type, version, timestamp, created, tenant_id, is_archived)
    select i.stream, null, i.count, clock_timestamp(), clock_timestamp(), '*DEFAULT*', false
    from input as i where i.expected is null order by i.stream collate "C"
    on conflict (id) do update set version = coalesce(s.version, 0) + excluded.version, timestamp = clock_timestamp() where s.is_archived is not true
    returning s.id, s.version, s.timestamp),
  continued as (
    update framelease_events.mt_streams as s set version = i.expected + i.count, timestamp = clock_timestamp()
    from input as i where s.id = i.stream and s.version = i.expected and s.is_archived is not true
    returning s.id, s.version, s.timestamp)
  select array_agg(i.session), array_agg(d.version), array_agg(d.timestamp) into v_sessions, v_versions, v_times
  from input as i join (table started union all table forced union all table continued) as d on d.id = i.stream;

  if v_sessions is not null then
    perform framelease.hold_position();
  end if;

  return query
  with accepted as (select a.* from unnest(v_sessions, v_versions, v_times) as a (session, version, at)),
  numbered as (
    insert into framelease_events.mt_events as e (seq_id, id, stream_id, version, data, type, timestamp, tenant_id, mt_dotnet_type,
      correlation_id, causation_id, headers, user_name, is_archived)
    select nextval('framelease_events.mt_events_sequence'), n.id, p_streams[n.session], n.version, n.data, n.type, n.at, '*DEFAULT*', n.dotnet_type,
      p_correlation[n.session], p_causation[n.session], n.headers, p_user[n.session], false
    from (
      select u.*, a.version - p_counts[u.session] + u.ordinal as version, a.at
      from unnest(p_session, p_ordinal, p_ids, p_types, p_dotnet_types, p_data, p_headers) as u (session, ordinal, id, type, dotnet_type, data, headers)
      join accepted as a on a.session = u.session
      order by u.session, u.ordinal) as n
    returning e.stream_id, e.seq_id, e.version),
  sequences as (select n.stream_id, array_agg(n.seq_id order by n.version) as numbers from numbered as n group by n.stream_id)
  select case when a.session is not null then '' when s.is_archived then 'MT001' else 'MT003' end, coalesce(a.version, s.version, 0), q.numbers, clock_timestamp()
  from unnest(p_streams) with ordinality as i (stream, session)
  left join accepted as a on a.session = i.session
  left join sequences as q on q.stream_id = i.stream
  left join framelease_events.mt_streams as s on a.session is null and s.id = i.stream
  order by i.session;
end
$$;
