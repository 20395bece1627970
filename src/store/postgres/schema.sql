-- The tables of a Tallystick store. Run this once, as the role that is to own them, in a
-- database of their own. PostgreSQL, CockroachDB and YugabyteDB understand it.
BEGIN;

CREATE SCHEMA tallystick;

-- One row: the newest group, and whoever has it locked has the turn.
CREATE TABLE tallystick.head (
    id smallint PRIMARY KEY CHECK (id = 1),
    number bigint NOT NULL CHECK (number >= 0),
    mac bytea NOT NULL,
    oldest bigint NOT NULL,
    bytes bigint NOT NULL,
    epoch bigint NOT NULL CHECK (epoch >= 0),
    version integer NOT NULL
);

-- The newest epoch of each node: an older process of that name is fenced off.
CREATE TABLE tallystick.node (
    name text PRIMARY KEY,
    epoch bigint NOT NULL,
    anchored bigint NOT NULL,
    seen timestamptz NOT NULL
);

-- Every group, whichever node wrote it. The last three columns tell the other nodes what
-- it wrote beside itself.
CREATE TABLE tallystick.journal (
    number bigint PRIMARY KEY,
    epoch bigint NOT NULL,
    before bytea NOT NULL,
    marks bytea NOT NULL,
    body bytea NOT NULL,
    mac bytea NOT NULL,
    tokens bytea NOT NULL,
    records bytea NOT NULL,
    pages bytea NOT NULL
);

CREATE TABLE tallystick.token (
    slot bigint PRIMARY KEY,
    trid bigint NOT NULL,
    revision integer NOT NULL,
    body bytea NOT NULL
);
CREATE INDEX token_by_trid ON tallystick.token (trid, slot);

CREATE TABLE tallystick.record (
    space smallint NOT NULL,
    key bytea NOT NULL,
    expires bigint,
    body bytea NOT NULL,
    PRIMARY KEY (space, key)
);
CREATE INDEX record_by_expiry ON tallystick.record (expires) WHERE expires IS NOT NULL;

CREATE TABLE tallystick.page (
    kind smallint NOT NULL,
    number bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (kind, number)
);

INSERT INTO tallystick.head (id, number, mac, oldest, bytes, epoch, version)
VALUES (1, 0, '\x0000000000000000000000000000000000000000000000000000000000000000', 1, 0, 0, 1);

COMMIT;
