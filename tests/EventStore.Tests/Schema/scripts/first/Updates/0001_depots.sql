create table framelease.depots (id int primary key);
