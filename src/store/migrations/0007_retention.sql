-- Deleted connectors whose time is over are found without looking at the others.
create index connectors_deleted on connectors (deleted_ms) where deleted_ms > 0;
