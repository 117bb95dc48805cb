alter table framelease.depots add column name text not null default 'unnamed';
