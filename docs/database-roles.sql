-- Two roles for PostgreSQL: the owner of the tables migrates, zgpt_app serves. Run this as the owner, in its database,
-- after the first `flask db upgrade`. Give zgpt_app a password, serve with its DATABASE_URL, migrate with the owner's.
-- Whoever breaks into the server can then neither change a line of the audit log nor take away what refuses it.
CREATE ROLE zgpt_app LOGIN;
GRANT USAGE ON SCHEMA public TO zgpt_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO zgpt_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO zgpt_app;
REVOKE UPDATE, DELETE ON audit_events FROM zgpt_app;
REVOKE INSERT, DELETE ON audit_heads FROM zgpt_app;
REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM zgpt_app
