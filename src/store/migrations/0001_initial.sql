-- Everything is keyed by tenant first. Times are milliseconds since 1970 (UTC), 0 is "never".
-- Ids are text. Sealed columns hold records of crypto/seal.h. Rows that can be edited have a
-- version that counts changes; ETags are made from it.

create table meta (
    key text primary key,
    value text not null
) strict, without rowid;

create table tenants (
    id text primary key,
    name text not null collate nocase unique,
    created_ms integer not null
) strict;

-- Data keys, wrapped by the master key. Tenant '' is the installation.
create table data_keys (
    id integer primary key,
    tenant text not null,
    wrapped blob not null,
    created_ms integer not null
) strict;

create table subscriptions (
    tenant text not null references tenants (id),
    id text not null,
    name text not null collate nocase,
    created_ms integer not null,
    primary key (tenant, id),
    unique (tenant, name)
) strict, without rowid;

create table resource_groups (
    tenant text not null,
    id text not null,
    subscription text not null,
    name text not null collate nocase,
    location text not null,
    version integer not null,
    created_ms integer not null,
    primary key (tenant, id),
    unique (tenant, name),
    foreign key (tenant, subscription) references subscriptions (tenant, id)
) strict, without rowid;

-- kind: 1 person, 2 team. A deleted user keeps its row, so that what it made still has a name.
create table users (
    tenant text not null references tenants (id),
    id text not null,
    kind integer not null,
    name text not null collate nocase,
    display_name text not null,
    email text not null,
    password_hash text,
    disabled integer not null,
    version integer not null,
    created_ms integer not null,
    changed_ms integer not null,
    deleted_ms integer not null default 0,
    primary key (tenant, id)
) strict, without rowid;
create unique index users_by_name on users (tenant, name) where deleted_ms = 0;

create table memberships (
    tenant text not null,
    member text not null,
    team text not null,
    primary key (tenant, member, team),
    foreign key (tenant, member) references users (tenant, id),
    foreign key (tenant, team) references users (tenant, id)
) strict, without rowid;
create index memberships_by_team on memberships (tenant, team);

-- One row a role; group_id '' is the whole tenant. role: the bits of iam/role.h.
create table role_grants (
    tenant text not null,
    user text not null,
    group_id text not null,
    role integer not null,
    created_by text,
    created_ms integer not null,
    primary key (tenant, user, group_id, role),
    foreign key (tenant, user) references users (tenant, id)
) strict, without rowid;

-- The secret of a token is kept as a digest only. roles 0, group_id null: not narrowed.
create table tokens (
    tenant text not null,
    id text not null,
    user text not null,
    name text not null,
    digest blob not null unique,
    group_id text,
    roles integer not null,
    created_by text,
    created_ms integer not null,
    expires_ms integer not null,
    revoked_ms integer not null default 0,
    primary key (tenant, id),
    foreign key (tenant, user) references users (tenant, id)
) strict, without rowid;
create index tokens_by_user on tokens (tenant, user);

-- Tenant '' is the installation. sealed 1: value is a sealed record.
create table settings (
    tenant text not null,
    key text not null,
    sealed integer not null,
    value blob not null,
    changed_ms integer not null,
    primary key (tenant, key)
) strict, without rowid;

create table audit (
    n integer primary key,
    tenant text not null,
    at_ms integer not null,
    actor text,
    token text,
    action text not null,
    kind text not null,
    resource text not null,
    revision integer not null,
    note text
) strict;
create index audit_by_resource on audit (tenant, kind, resource);

-- Contents by SHA-256, shared by every file of the tenant that has them.
create table blobs (
    tenant text not null,
    digest blob not null,
    bytes blob not null,
    primary key (tenant, digest)
) strict;

-- audience: 1 author, 2 environment, 3 published. deleted_ms > 0: recoverable for a while.
create table connectors (
    tenant text not null,
    id text not null,
    group_id text not null,
    owner text,
    display_name text not null,
    description text not null,
    audience integer not null,
    state text not null,
    revision integer not null,
    published_revision integer not null,
    version integer not null,
    operations_n integer not null,
    triggers_n integer not null,
    meta text,
    created_ms integer not null,
    created_by text,
    changed_ms integer not null,
    changed_by text,
    deleted_ms integer not null default 0,
    primary key (tenant, id),
    foreign key (tenant, group_id) references resource_groups (tenant, id)
) strict, without rowid;

create table revisions (
    tenant text not null,
    connector text not null,
    revision integer not null,
    operations_n integer not null,
    triggers_n integer not null,
    note text,
    created_ms integer not null,
    created_by text,
    primary key (tenant, connector, revision),
    foreign key (tenant, connector) references connectors (tenant, id)
) strict, without rowid;

create table files (
    tenant text not null,
    connector text not null,
    revision integer not null,
    kind integer not null,
    name text not null,
    digest blob not null,
    bytes_n integer not null,
    primary key (tenant, connector, revision, kind, name),
    foreign key (tenant, connector, revision) references revisions (tenant, connector, revision),
    foreign key (tenant, digest) references blobs (tenant, digest)
) strict, without rowid;
create index files_by_digest on files (tenant, digest);

create table connector_secrets (
    tenant text not null,
    connector text not null,
    name text not null,
    sealed blob not null,
    changed_ms integer not null,
    primary key (tenant, connector, name),
    foreign key (tenant, connector) references connectors (tenant, id)
) strict, without rowid;

-- kind: 0 connector, 1 connection. level: 1 view, 2 edit. grantee: a user or team.
create table shares (
    tenant text not null,
    kind integer not null,
    resource text not null,
    grantee text not null,
    level integer not null,
    created_ms integer not null,
    created_by text,
    primary key (tenant, kind, resource, grantee)
) strict, without rowid;
create index shares_by_grantee on shares (tenant, grantee);

-- status: 0 Connected, 1 Error, 2 Unauthenticated.
create table connections (
    tenant text not null,
    id text not null,
    connector text not null,
    group_id text not null,
    owner text,
    display_name text not null,
    set_name text,
    public_values text not null,
    sealed blob,
    shareable integer not null,
    status integer not null,
    status_target text,
    status_code text,
    status_message text,
    version integer not null,
    created_ms integer not null,
    created_by text,
    changed_ms integer not null,
    changed_by text,
    tested_ms integer not null default 0,
    primary key (tenant, id),
    foreign key (tenant, connector) references connectors (tenant, id),
    foreign key (tenant, group_id) references resource_groups (tenant, id)
) strict, without rowid;
create index connections_by_connector on connections (tenant, connector);

-- intent_ms > 0: a refresh of this generation was begun then and its end is not recorded yet.
create table oauth_tokens (
    tenant text not null,
    connection text not null,
    parameter text not null,
    sealed blob not null,
    type text,
    scope text,
    obtained_ms integer not null,
    expires_ms integer not null,
    generation integer not null,
    intent_ms integer not null default 0,
    primary key (tenant, connection, parameter),
    foreign key (tenant, connection) references connections (tenant, id) on delete cascade
) strict, without rowid;
create index oauth_tokens_in_doubt on oauth_tokens (intent_ms) where intent_ms > 0;

-- Consents under way, by the digest of their state; taken once.
create table consents (
    digest blob primary key,
    tenant text not null,
    user text,
    connection text not null,
    parameter text not null,
    redirect_url text not null,
    return_url text,
    sealed blob not null,
    expires_ms integer not null
) strict, without rowid;
