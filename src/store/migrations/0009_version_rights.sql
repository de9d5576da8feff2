-- A version acts with the rights of who saved it: narrowed to a group, or to roles, where the token was.
alter table flow_versions add column only_group text;
alter table flow_versions add column only_roles integer not null default 0;
