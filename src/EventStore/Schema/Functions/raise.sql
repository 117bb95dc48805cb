-- Refuses the transaction from inside a guard statement: SQLSTATE class FL. A code of the form FLxxx becomes the SQLSTATE itself; any
-- other (a reason such as SlotTaken) travels in the constraint field under FL000.
--   select framelease.raise('SlotTaken', 'slot 3 is held') where exists (select from ... for update)
create or replace function framelease.raise(p_code text, p_message text) returns boolean
language plpgsql as $$
begin
  raise exception using
    errcode = case when p_code ~ '^FL[0-9A-Z]{3}$' then p_code else 'FL000' end,
    constraint = p_code,
    message = coalesce(p_message, p_code);
end
$$;
