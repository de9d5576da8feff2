-- Messages that wait in batches. A part has those of one batch and partition of a workflow, numbered
-- as they come (next_n: the next one's number); it goes with its last message. through_n > 0: up to
-- this message it is to be released, whatever the criteria say.
create table batch_parts (
    id integer primary key,
    flow integer not null,
    batch text not null collate nocase,
    partition_name text not null,
    messages_n integer not null,
    bytes_n integer not null,
    first_ms integer not null,
    next_n integer not null,
    through_n integer not null,
    ready integer not null
) strict;
create unique index batch_parts_by_name on batch_parts (flow, batch, partition_name);
create index batch_parts_ready on batch_parts (flow, batch, id) where ready = 1;

create table batch_messages (
    part integer not null,
    number integer not null,
    at_ms integer not null,
    bytes_n integer not null,
    message text not null,
    content text not null,
    primary key (part, number)
) strict, without rowid;

-- How often messages made a trigger due: who saves what it read before sees that it was called since.
alter table flow_triggers add column calls integer not null default 1;

-- How much waits for a workflow, so that nobody has to count it.
create table flow_batched (
    flow integer primary key,
    messages_n integer not null,
    bytes_n integer not null
) strict;
