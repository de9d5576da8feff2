-- How many runs of a trigger are open, so that nobody has to count them: limits are of triggers.
drop table flow_open;
create table flow_open (
    flow integer not null,
    trigger_name text not null collate nocase,
    running integer not null,
    waiting integer not null,
    primary key (flow, trigger_name)
) strict, without rowid;
insert into flow_open (flow, trigger_name, running, waiting)
select flow, trigger_name, sum(status <> 'Waiting'), sum(status = 'Waiting') from runs
where end_ms = 0 group by flow, trigger_name collate nocase;
