-- Integration accounts, and the maps (kind 1) and schemas (kind 2) in them; what is in one is a blob.
create table accounts (
    tenant text not null,
    id text not null,
    group_id text not null,
    owner text,
    name text not null collate nocase,
    properties text not null,
    version integer not null,
    created_ms integer not null,
    created_by text,
    changed_ms integer not null,
    changed_by text,
    primary key (tenant, id),
    foreign key (tenant, group_id) references resource_groups (tenant, id)
) strict, without rowid;
create unique index accounts_by_name on accounts (tenant, group_id, name);

create table artifacts (
    tenant text not null,
    account text not null,
    kind integer not null,
    name text not null collate nocase,
    properties text not null,
    content_type text not null,
    digest blob not null,
    bytes_n integer not null,
    version integer not null,
    created_ms integer not null,
    created_by text,
    changed_ms integer not null,
    changed_by text,
    primary key (tenant, account, kind, name),
    foreign key (tenant, account) references accounts (tenant, id),
    foreign key (tenant, digest) references blobs (tenant, digest)
) strict, without rowid;
create index artifacts_by_digest on artifacts (tenant, digest);
