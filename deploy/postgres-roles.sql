-- Two roles: the owner migrates, the web role only reads and writes rows. Run once by the
-- PostgreSQL image when its data folder is empty. Passwords come from files, never from here.
\set ON_ERROR_STOP on
\set owner_password `cat "${SECRETS_DIR:-/run/secrets}/postgres_owner_password"`
\set web_password `cat "${SECRETS_DIR:-/run/secrets}/postgres_web_password"`

CREATE ROLE emailsec_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE emailsec_web LOGIN PASSWORD :'web_password';
CREATE DATABASE emailsec OWNER emailsec_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE emailsec FROM PUBLIC;
GRANT CONNECT ON DATABASE emailsec TO emailsec_web;

\connect emailsec
ALTER SCHEMA public OWNER TO emailsec_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO emailsec_web;
ALTER DEFAULT PRIVILEGES FOR ROLE emailsec_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO emailsec_web;
ALTER DEFAULT PRIVILEGES FOR ROLE emailsec_owner IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO emailsec_web;
