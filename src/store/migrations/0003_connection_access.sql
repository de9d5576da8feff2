-- Whether the owner of a connection may still use its connector is kept apart from how signing in
-- goes: neither may write over the other. revoked_ms > 0: since then it may not.
alter table connections add column revoked_ms integer not null default 0;
update connections set revoked_ms = max(changed_ms, 1), status = 0, status_target = null,
    status_code = null, status_message = null
where status_code = 'ConnectorAccessRevoked';
