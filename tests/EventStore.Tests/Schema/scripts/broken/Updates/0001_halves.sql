create table framelease.halves (id int); create table framelease.halves (id int);
