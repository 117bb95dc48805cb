-- The same the other way round: passes when true, refuses when false or null.
--   select framelease.require(exists (select from slots where ... for update), 'SlotTaken', 'slot 3 is held')
create or replace function framelease.require(p_holds boolean, p_code text, p_message text) returns boolean
language plpgsql as $$
begin
  if p_holds then return true; end if;
  return framelease.raise(p_code, p_message);
end
$$;
