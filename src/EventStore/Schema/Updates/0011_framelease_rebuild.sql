-- Where views are made anew, under the names of the running tables. Only the owner looks in here.
create schema framelease_rebuild;
