create table framelease.depots (id bigint primary key);
