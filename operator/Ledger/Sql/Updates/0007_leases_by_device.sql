-- The way from a device to the leases that it carried, for its history.
alter table framelease.leases add column cluster varchar, add column device varchar;
create index leases_by_device on framelease.leases (cluster, device, granted_at desc) where device is not null;
