-- Workflows, their triggers and runs. Rows below a workflow carry its key: a small number that
-- belongs to one tenant for good, so that a million runs do not repeat the tenant's name. Names of
-- runs, events and versions sort newest first.

-- deleted_ms > 0: gone for everybody; what it left is removed bit by bit, then the row.
-- key1, key2: sealed access keys.
create table flows (
    key integer primary key,
    tenant text not null,
    id text not null unique,
    group_id text not null,
    owner text,
    name text not null collate nocase,
    state text not null,
    revision text not null,
    version integer not null,
    created_ms integer not null,
    created_by text,
    changed_ms integer not null,
    changed_by text,
    deleted_ms integer not null default 0,
    key1 blob,
    key2 blob,
    foreign key (tenant, group_id) references resource_groups (tenant, id)
) strict;
create unique index flows_by_name on flows (tenant, group_id, name) where deleted_ms = 0;
create index flows_deleted on flows (deleted_ms) where deleted_ms > 0;

-- Never changed, but for secrets that are given a new value without a new document.
create table flow_versions (
    flow integer not null references flows (key),
    revision text not null,
    created_ms integer not null,
    created_by text,
    sealed blob,
    document text not null,
    primary key (flow, revision)
) strict, without rowid;

-- What the newest version calls: connectors and, '' when it is not said which, connections.
create table flow_uses (
    tenant text not null,
    api text not null collate nocase,
    flow integer not null references flows (key),
    connection text not null collate nocase,
    primary key (tenant, api, flow, connection)
) strict, without rowid;
create index flow_uses_by_flow on flow_uses (flow);

-- due_ms > 0: the scheduler must look at it then.
create table flow_triggers (
    flow integer not null references flows (key),
    trigger_name text not null,
    due_ms integer not null,
    last_ms integer not null,
    status text,
    state text,
    primary key (flow, trigger_name)
) strict, without rowid;
create index flow_triggers_due on flow_triggers (due_ms) where due_ms > 0;

-- Evaluations that started no run.
create table flow_events (
    id integer primary key,
    flow integer not null,
    name text not null,
    trigger_name text not null,
    status text not null,
    start_ms integer not null,
    end_ms integer not null,
    scheduled_ms integer not null,
    code text,
    error text,
    correlation text,
    inputs text,
    outputs text
) strict;
create index flow_events_by_name on flow_events (flow, name);

-- A run that succeeds in the turn that started it, without a tracking id of its own (null: its
-- name), touches the first index only. There is no foreign key: the writer looks at the workflow
-- itself, and removal goes bit by bit.
create table runs (
    id integer primary key,
    flow integer not null,
    name text not null,
    status text not null,
    start_ms integer not null,
    end_ms integer not null,
    due_ms integer not null,
    pieces_n integer not null,
    journal_bytes integer not null,
    revision text not null,
    trigger_name text not null,
    code text,
    error text,
    tracking text,
    correlation text
) strict;
create unique index runs_by_name on runs (flow, name);
create index runs_open on runs (flow, name) where end_ms = 0;
create index runs_unlucky on runs (flow, name) where end_ms > 0 and status <> 'Succeeded';
create index runs_by_tracking on runs (flow, tracking, name) where tracking is not null;
create index runs_due on runs (due_ms) where due_ms > 0;

-- Pieces of journals: id is run * 2^24 + number of the piece.
create table run_journal (
    id integer primary key,
    bytes blob not null
) strict;

create table run_values (
    run integer not null,
    digest text not null,
    bytes blob not null,
    primary key (run, digest)
) strict, without rowid;

-- How many runs of a workflow are open, so that nobody has to count them.
create table flow_open (
    flow integer primary key,
    running integer not null,
    waiting integer not null
) strict;
