-- Tasks that have not ended, for whoever looks whether their objects are still there: they are few among all that ever were.
create index tasks_running on framelease.tasks (uid) where phase in ('Accepted', 'Admitted');
