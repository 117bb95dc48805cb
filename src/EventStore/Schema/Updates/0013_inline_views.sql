-- Which version of an inline view holds all of the log. One that is not here is new, or changed: its first rebuild is still to come.
create table framelease.inline_views (
  name    varchar     not null,
  version int         not null,
  made_at timestamptz not null default clock_timestamp(),
  constraint inline_views_pkey primary key (name)
);
