-- Callback URLs that triggers have subscribed with, sealed: a subscription is ended with the URL it
-- was made with, also after its key was exchanged.
alter table flow_triggers add column sealed blob;
