-- The vault's own database, version 1. No PAN, no card verification value and no key is in it.
-- Times are seconds since 1970, amounts are in minor units, currencies are ISO 4217 numbers.

CREATE TABLE merchant (
    pk INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    trid TEXT NOT NULL,
    -- Whether masks show the first four digits of a card (1) or none (0).
    wide_mask INTEGER NOT NULL DEFAULT 0,
    webhook TEXT,
    webhook_key BLOB,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE credential (
    api TEXT NOT NULL,
    id TEXT NOT NULL,
    merchant INTEGER NOT NULL REFERENCES merchant,
    -- SHA-256 of a secret of 256 random bits.
    secret BLOB NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (api, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE customer (
    pk INTEGER PRIMARY KEY,
    merchant INTEGER NOT NULL REFERENCES merchant,
    id TEXT NOT NULL,
    name TEXT,
    email TEXT,
    contact TEXT,
    notes TEXT,
    created INTEGER NOT NULL,
    UNIQUE (merchant, id)
) STRICT;
CREATE INDEX customers_by_contact ON customer (merchant, contact, email);

CREATE TABLE "order" (
    pk INTEGER PRIMARY KEY AUTOINCREMENT,
    merchant INTEGER NOT NULL REFERENCES merchant,
    api TEXT NOT NULL,
    id TEXT NOT NULL,
    -- What lets its bearer pay, where an API has such a thing.
    session TEXT UNIQUE,
    customer TEXT,
    amount INTEGER NOT NULL,
    currency INTEGER NOT NULL,
    expires INTEGER,
    -- What an API keeps of it for showing: JSON.
    details TEXT NOT NULL DEFAULT '{}',
    created INTEGER NOT NULL,
    UNIQUE (merchant, api, id)
) STRICT;

CREATE TABLE payment (
    pk INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    merchant INTEGER NOT NULL REFERENCES merchant,
    api TEXT NOT NULL,
    "order" INTEGER NOT NULL REFERENCES "order",
    customer TEXT,
    amount INTEGER NOT NULL,
    currency INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('authenticating', 'charging', 'charged', 'failed')),
    reason TEXT,
    source TEXT NOT NULL CHECK (source IN ('card', 'saved', 'token', 'wallet')),
    -- A card that the engine holds.
    handle BLOB,
    -- What may be shown of the card: JSON.
    card TEXT,
    instrument INTEGER REFERENCES instrument,
    -- A token and a cryptogram that came with the request; the latter goes once it is decided.
    token TEXT,
    token_expiry INTEGER,
    trid TEXT,
    cryptogram BLOB,
    saving TEXT NOT NULL CHECK (saving IN ('no', 'wanted', 'saved', 'failed')),
    details TEXT NOT NULL DEFAULT '{}',
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT;

-- Whatever is tried at the same time, an order is paid once.
CREATE UNIQUE INDEX one_charge_an_order ON payment ("order") WHERE state IN ('charging', 'charged');
CREATE INDEX cards_waiting ON payment (merchant) WHERE state = 'authenticating' AND source = 'card';
CREATE INDEX payments_of_order ON payment ("order");
CREATE INDEX unfinished ON payment (state) WHERE state IN ('authenticating', 'charging') OR saving = 'wanted';

CREATE TABLE instrument (
    pk INTEGER PRIMARY KEY AUTOINCREMENT,
    -- A UUID, from which the ids of every API are made.
    id TEXT NOT NULL UNIQUE,
    -- Sixty-four hexadecimal digits.
    uid TEXT NOT NULL UNIQUE,
    -- Fourteen letters and digits.
    tag TEXT NOT NULL UNIQUE,
    merchant INTEGER NOT NULL REFERENCES merchant,
    customer TEXT,
    token TEXT NOT NULL UNIQUE,
    token_expiry INTEGER NOT NULL,
    trid TEXT NOT NULL,
    par TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    card TEXT NOT NULL,
    -- What authenticated the cardholder.
    afa_reference TEXT NOT NULL,
    -- 'kept': its token waits for a payment with a second factor; 'initiated': no provider
    -- has activated the token; 'tokenised': one has.
    standing TEXT NOT NULL CHECK (standing IN ('kept', 'initiated', 'tokenised')),
    details TEXT NOT NULL DEFAULT '{}',
    -- The payment or request that it came from: made once.
    origin TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    deleted INTEGER
) STRICT;
CREATE INDEX instruments_of_customer ON instrument (merchant, customer);

-- Cards that are being saved without a payment, as the engine is asked for them.
CREATE TABLE saving (
    origin TEXT NOT NULL PRIMARY KEY,
    merchant INTEGER NOT NULL REFERENCES merchant,
    customer TEXT,
    handle BLOB NOT NULL,
    card TEXT NOT NULL,
    provider TEXT NOT NULL,
    reference TEXT NOT NULL,
    auth_reference TEXT,
    details TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The sandbox issuer's own book: what it has authorised.
CREATE TABLE ledger (
    payment TEXT NOT NULL PRIMARY KEY,
    "order" INTEGER NOT NULL UNIQUE,
    amount INTEGER NOT NULL,
    currency INTEGER NOT NULL,
    token TEXT,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE idempotency (
    merchant INTEGER NOT NULL,
    operation TEXT NOT NULL,
    key TEXT NOT NULL,
    digest BLOB NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (merchant, operation, key)
) STRICT, WITHOUT ROWID;

-- Payment sessions: a window of time in which an order may be paid.
CREATE TABLE session (
    id TEXT PRIMARY KEY,
    merchant INTEGER NOT NULL REFERENCES merchant,
    "order" INTEGER NOT NULL REFERENCES "order",
    mode TEXT NOT NULL CHECK (mode IN ('REDIRECT', 'API')),
    -- The engine's session that holds the key, where there is one.
    entry BLOB,
    public_key BLOB,
    payment TEXT UNIQUE,
    -- Given up before anything was begun.
    cancelled INTEGER NOT NULL DEFAULT 0,
    details TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_of_sessions ON session (expires) WHERE entry IS NOT NULL;

-- E-wallets that customers saved. They have no card number, so no token stands for them.
CREATE TABLE wallet (
    pk INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    merchant INTEGER NOT NULL REFERENCES merchant,
    customer TEXT NOT NULL,
    -- The payment that it came from: made once.
    origin TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL
) STRICT;
CREATE INDEX wallets_of_customer ON wallet (merchant, customer);

-- What is still to be told to merchants, in order.
CREATE TABLE event (
    pk INTEGER PRIMARY KEY AUTOINCREMENT,
    merchant INTEGER NOT NULL REFERENCES merchant,
    id TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    due INTEGER NOT NULL,
    -- NULL while it is to be sent.
    ended TEXT CHECK (ended IN ('delivered', 'given_up')),
    created INTEGER NOT NULL
) STRICT;
CREATE INDEX events_due ON event (due) WHERE ended IS NULL;
CREATE INDEX events_of_merchant ON event (merchant, pk) WHERE ended IS NULL;
