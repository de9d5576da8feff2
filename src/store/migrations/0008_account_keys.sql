-- Keys that sign the content URLs of an integration account, sealed. An account from before has none
-- until somebody asks for such a URL.
alter table accounts add column key1 blob;
alter table accounts add column key2 blob;
-- A signed URL names the account alone.
create index accounts_by_id on accounts (id);
