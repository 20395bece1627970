//! The role of the nodes can do what nodes do and nothing else. That it can do all of that,
//! every other test shows: they run as it.

use crate::server::{USER, shared};

#[test]
fn the_role_of_the_nodes_can_do_nothing_else() {
    let database = shared().database();
    shared().psql(
        &database,
        "CREATE SCHEMA other; CREATE TABLE other.secret (x int); CREATE TABLE public.mine (x int)",
    );
    let allowed = [
        "SELECT * FROM tallystick.head FOR UPDATE",
        "SELECT * FROM tallystick.node, tallystick.journal, tallystick.token, tallystick.record, tallystick.page",
        "UPDATE tallystick.head SET epoch = epoch + 1",
    ];
    for sql in allowed {
        let (worked, told) = shared().psql_as(USER, &database, sql);
        assert!(worked, "{sql}: {told}");
    }
    let mut refused: Vec<_> = [
        "CREATE TABLE tallystick.x (x int)",
        "CREATE TABLE public.x (x int)",
        "CREATE SCHEMA x",
        "CREATE DATABASE x",
        "CREATE ROLE x",
        "CREATE FUNCTION tallystick.x() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE EXTENSION pg_stat_statements",
        "CREATE INDEX x ON tallystick.token (body)",
        "SELECT * FROM other.secret",
        "SELECT * FROM public.mine",
        "SELECT * FROM pg_catalog.pg_authid",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY tallystick.token TO PROGRAM 'true'",
        "COPY tallystick.token TO '/tmp/x'",
        "SET ROLE postgres",
        "SET session_replication_role = replica",
        "ALTER SYSTEM SET fsync = off",
        "INSERT INTO tallystick.head SELECT * FROM tallystick.head",
        "DELETE FROM tallystick.head",
        "DELETE FROM tallystick.node",
        "DELETE FROM tallystick.token",
        "DELETE FROM tallystick.page",
        "UPDATE tallystick.journal SET body = body",
        "DROP SCHEMA tallystick CASCADE",
        "ALTER ROLE tallystick_node SUPERUSER",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'",
    ]
    .map(str::to_owned)
    .into();
    for table in ["head", "node", "journal", "token", "record", "page"] {
        for change in ["DROP TABLE", "TRUNCATE"] {
            refused.push(format!("{change} tallystick.{table}"));
        }
        refused.push(format!("ALTER TABLE tallystick.{table} ADD COLUMN x int"));
        refused.push(format!("CREATE TRIGGER x BEFORE UPDATE ON tallystick.{table} EXECUTE FUNCTION suppress_redundant_updates_trigger()"));
    }
    for sql in refused {
        let (worked, told) = shared().psql_as(USER, &database, &sql);
        let denied = [
            "permission denied",
            "must be owner",
            "must be superuser",
            "must be a member",
            "must be a superuser",
        ];
        assert!(!worked && denied.iter().any(|word| told.contains(word)), "{sql}: {told}");
    }
}
