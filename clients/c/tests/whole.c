/* Every function of the library against a real daemon, also as nobody should call it. Run under
 * AddressSanitizer and valgrind by tests/real.rs. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <tallystick.h>
#include <unistd.h>

#define DIGITS "4929123456789015"
#define TRID "40010000001"
#define IS(code, expected) check((code), (expected), __LINE__)
#define HOLDS(condition) check((condition) ? 0 : -1, 0, __LINE__)

static void check(int32_t code, int32_t expected, int line) {
    if (code != expected) {
        fprintf(stderr, "whole.c:%d: %s in the place of %s\n", line, tally_name(code), tally_name(expected));
        exit(1);
    }
}

static tally_key key_of(const char *text) {
    tally_key key = {(const uint8_t *)text, strlen(text)};
    return key;
}

static tally_provision_request card_of(const char *pan) {
    tally_provision_request card = {0};
    card.pan = pan;
    card.expiry = "4912";
    card.trid = TRID;
    card.authentication_provider = "bank";
    card.authentication_reference = "pay_1";
    card.consent = 1;
    return card;
}

static tally_token saved(tally_client *client) {
    tally_provision_request card = card_of(DIGITS);
    tally_token token;
    IS(tally_provision(client, &card, &token), TALLY_OK);
    return token;
}

static const tally_transaction PAYMENT = {49900, "shop-17", 0xdeadbeef, 356, 7, TALLY_IN_APP};

static void names(void) {
    HOLDS(tally_abi_version() == TALLY_ABI_VERSION);
    HOLDS(strcmp(tally_name(TALLY_OK), "ok") == 0);
    HOLDS(strcmp(tally_name(TALLY_STATUS_REPLAYED), "replayed") == 0);
    HOLDS(strcmp(tally_says(TALLY_STATUS_REPLAYED), "the cryptogram was accepted before") == 0);
    HOLDS(strcmp(tally_name(TALLY_TIMED_OUT), "timed_out") == 0);
    HOLDS(strcmp(tally_name(-7), "unknown") == 0);
    HOLDS(strlen(tally_says(-7)) > 0);
}

static void doors(const char *path) {
    tally_client *client = NULL;
    IS(tally_connect(NULL, "c", 0, &client), TALLY_ARGUMENT);
    IS(tally_connect(path, NULL, 0, &client), TALLY_ARGUMENT);
    IS(tally_connect(path, "c", 0, NULL), TALLY_ARGUMENT);
    IS(tally_connect("\xff\xfe", "c", 0, &client), TALLY_ARGUMENT);
    IS(tally_connect(path, "", 0, &client), TALLY_STATUS_NAME_MALFORMED);
    IS(tally_connect("/nonexistent/tallyd.sock", "c", 0, &client), TALLY_CONNECTION_LOST);
    HOLDS(client == NULL);
    tally_free(NULL);
    IS(tally_ping(NULL), TALLY_ARGUMENT);
}

/* Who listens and says nothing is waited for as long as was said. */
static void silence(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    tally_client *client = NULL;
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%.90s.silent", path);
    HOLDS(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 1) == 0);
    IS(tally_connect(address.sun_path, "c", 50, &client), TALLY_TIMED_OUT);
    HOLDS(client == NULL);
    close(listener);
    unlink(address.sun_path);
}

/* Who answers with something else is not believed. */
static void *babble(void *listener) {
    char hello[64];
    int stream = accept(*(int *)listener, NULL, NULL);
    HOLDS(read(stream, hello, sizeof hello) > 0);
    HOLDS(write(stream, "HTTP/1.1 400 Bad Request\r\n\r\n", 28) == 28);
    close(stream);
    return NULL;
}

static void noise(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    tally_client *client = NULL;
    pthread_t running;
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%.90s.noise", path);
    HOLDS(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 1) == 0);
    HOLDS(pthread_create(&running, NULL, babble, &listener) == 0);
    IS(tally_connect(address.sun_path, "c", 60000, &client), TALLY_PROTOCOL);
    HOLDS(pthread_join(running, NULL) == 0);
    close(listener);
    unlink(address.sun_path);
}

static void tokens(tally_client *client) {
    tally_provision_request card = card_of(DIGITS);
    tally_token token, other;
    card.merchant = "shop-17";
    card.channels = 1 | 2;
    card.demands = TALLY_AMOUNT;
    card.par = "50011QR3W9AKBXUFZC2NP5SVTM0DY";
    card.authentication_reference_number = "100222021120200000";
    card.key = key_of("save-1");
    IS(tally_provision(client, &card, &token), TALLY_OK);
    HOLDS(strcmp(token.status, "active") == 0 && strcmp(token.network, "visa") == 0);
    HOLDS(strcmp(token.card_last_four, "9015") == 0 && strcmp(token.card_expiry, "4912") == 0);
    HOLDS(strcmp(token.merchant, "shop-17") == 0 && strcmp(token.par, card.par) == 0);
    HOLDS(token.channels == 3 && token.demands == 1 && token.pan_length == 16);
    HOLDS(strlen(token.token) == 16 && strcmp(token.trid, TRID) == 0 && token.created > 1700000000);
    IS(tally_provision(client, &card, &other), TALLY_OK);
    HOLDS(strcmp(token.token, other.token) == 0);
    card.merchant = "shop-18";
    IS(tally_provision(client, &card, &other), TALLY_STATUS_IDEMPOTENCY_CONFLICT);

    IS(tally_show(client, token.token, &other), TALLY_OK);
    HOLDS(memcmp(token.fingerprint, other.fingerprint, 32) == 0);
    tally_key key = key_of("change-1");
    IS(tally_suspend(client, token.token, NULL, &key, &other), TALLY_OK);
    HOLDS(strcmp(other.status, "suspended") == 0);
    IS(tally_suspend(client, token.token, "elsewhere", NULL, &other), TALLY_STATUS_UNKNOWN_PROVIDER);
    IS(tally_resume(client, token.token, NULL, NULL, &other), TALLY_OK);
    HOLDS(strcmp(other.status, "active") == 0 && other.reason[0] == 0);
    IS(tally_renew(client, token.token, "5001", NULL, &other), TALLY_OK);
    HOLDS(strcmp(other.expiry, "5001") == 0);
    IS(tally_deactivate(client, token.token, "tired", NULL, NULL, &other), TALLY_STATUS_EVENT_MALFORMED);
    IS(tally_deactivate(client, token.token, "requested", NULL, NULL, &other), TALLY_OK);
    HOLDS(strcmp(other.status, "deactivated") == 0 && strcmp(other.reason, "requested") == 0);
    IS(tally_resume(client, token.token, NULL, NULL, &other), TALLY_STATUS_TOKEN_DEACTIVATED);

    card = card_of(DIGITS);
    card.consent = 2;
    IS(tally_provision(client, &card, &other), TALLY_STATUS_CONSENT_MISSING);
    card = card_of("4929123456789016");
    IS(tally_provision(client, &card, &other), TALLY_STATUS_PAN_LUHN);
    card = card_of(NULL);
    IS(tally_provision(client, &card, &other), TALLY_STATUS_FIELD_MISSING);
    card = card_of(DIGITS);
    card.trid = NULL;
    IS(tally_provision(client, &card, &other), TALLY_ARGUMENT);
    IS(tally_provision(client, NULL, &other), TALLY_ARGUMENT);
    card = card_of(DIGITS);
    IS(tally_provision(client, &card, NULL), TALLY_ARGUMENT);
    card.key.length = 65;
    card.key.bytes = token.fingerprint;
    IS(tally_provision(client, &card, &other), TALLY_STATUS_IDEMPOTENCY_KEY_MALFORMED);
    card.key.bytes = NULL;
    IS(tally_provision(client, &card, &other), TALLY_ARGUMENT);
    IS(tally_show(client, "4895370000000000", &other), TALLY_STATUS_UNKNOWN_TOKEN);
    IS(tally_show(client, "nothing", &other), TALLY_STATUS_TOKEN_MALFORMED);
    IS(tally_show(client, NULL, &other), TALLY_ARGUMENT);
}

static void pages(tally_client *client) {
    tally_provision_request card = card_of(DIGITS);
    tally_token made[3], page[2];
    size_t count = 0;
    uint32_t next = 0;
    card.trid = "40010000777";
    for (int at = 0; at < 3; at++) {
        IS(tally_provision(client, &card, &made[at]), TALLY_OK);
    }
    IS(tally_list(client, card.trid, NULL, page, 2, &count, &next), TALLY_OK);
    HOLDS(count == 2 && next != 0 && strcmp(page[1].token, made[1].token) == 0);
    IS(tally_list(client, card.trid, &next, page, 2, &count, &next), TALLY_OK);
    HOLDS(count == 1 && next == 0 && strcmp(page[0].token, made[2].token) == 0);
    IS(tally_list(client, card.trid, NULL, NULL, 2, &count, &next), TALLY_ARGUMENT);
    IS(tally_list(client, card.trid, NULL, page, 0, &count, &next), TALLY_STATUS_LIMIT_MALFORMED);
}

static void cards(tally_client *client) {
    tally_token token = saved(client), other;
    tally_card card;
    char par[65];
    uint8_t fingerprint[32], handle[16];
    IS(tally_detokenize(client, token.token, &card), TALLY_OK);
    HOLDS(strcmp(card.pan, DIGITS) == 0 && strcmp(card.expiry, "4912") == 0);
    tally_wipe((uint8_t *)&card, sizeof card);
    for (size_t at = 0; at < sizeof card; at++) {
        HOLDS(((const uint8_t *)&card)[at] == 0);
    }
    tally_wipe(NULL, 5);
    IS(tally_par(client, DIGITS, par), TALLY_OK);
    HOLDS(strcmp(par, token.par) == 0);
    IS(tally_fingerprint(client, DIGITS, fingerprint), TALLY_OK);
    HOLDS(memcmp(fingerprint, token.fingerprint, 32) == 0);
    IS(tally_par(client, "5555", par), TALLY_STATUS_PAN_LENGTH);
    IS(tally_par(client, "555555555555444x", par), TALLY_STATUS_PAN_NOT_DIGITS);
    IS(tally_par(client, DIGITS, NULL), TALLY_ARGUMENT);
    IS(tally_link_par(client, "5555555555554444", token.token, NULL, par), TALLY_OK);
    HOLDS(strcmp(par, token.par) == 0);

    IS(tally_hold_card(client, DIGITS, "4912", 60, handle), TALLY_OK);
    IS(tally_hold_card(client, DIGITS, "4912", 0, handle), TALLY_STATUS_SECONDS_MALFORMED);
    tally_provision_request held = card_of(NULL);
    held.expiry = NULL;
    held.handle = handle;
    IS(tally_provision(client, &held, &other), TALLY_OK);
    HOLDS(memcmp(other.fingerprint, token.fingerprint, 32) == 0);
    IS(tally_release_card(client, handle), TALLY_OK);
    IS(tally_release_card(client, handle), TALLY_STATUS_UNKNOWN_HOLD);
    IS(tally_release_card(client, NULL), TALLY_ARGUMENT);
}

static void payments(tally_client *client) {
    tally_token token = saved(client);
    tally_issue_request wanted = {token.token, token.trid, PAYMENT, key_of("pay-1")};
    tally_issued issued, again;
    uint32_t atc = 0;
    IS(tally_issue(client, &wanted, &issued), TALLY_OK);
    IS(tally_issue(client, &wanted, &again), TALLY_OK);
    HOLDS(memcmp(&issued, &again, sizeof issued) == 0);
    wanted.transaction.amount++;
    IS(tally_issue(client, &wanted, &again), TALLY_STATUS_IDEMPOTENCY_CONFLICT);
    tally_verify_request presented = {token.token, token.trid, token.expiry, {0}, wanted.transaction, {NULL, 0}};
    memcpy(presented.cryptogram, issued.cryptogram, 20);
    IS(tally_verify(client, &presented, &atc), TALLY_STATUS_BAD_MAC);
    presented.transaction = PAYMENT;
    IS(tally_verify(client, &presented, &atc), TALLY_OK);
    HOLDS(atc == 1);
    IS(tally_verify(client, &presented, &atc), TALLY_STATUS_REPLAYED);

    wanted.transaction.currency = 0;
    IS(tally_issue(client, &wanted, &again), TALLY_STATUS_CURRENCY_MALFORMED);
    wanted.transaction = PAYMENT;
    wanted.transaction.merchant = NULL;
    IS(tally_issue(client, &wanted, &again), TALLY_ARGUMENT);
    wanted.transaction.merchant = "";
    IS(tally_issue(client, &wanted, &again), TALLY_STATUS_MERCHANT_MALFORMED);
    wanted.transaction.present = 16;
    IS(tally_issue(client, &wanted, &again), TALLY_STATUS_BINDING_MALFORMED);
    wanted.transaction = PAYMENT;
    wanted.transaction.channel = 4;
    IS(tally_issue(client, &wanted, &again), TALLY_STATUS_CHANNEL_MALFORMED);
    IS(tally_issue(client, NULL, &again), TALLY_ARGUMENT);
    IS(tally_issue(client, &wanted, NULL), TALLY_ARGUMENT);
    IS(tally_verify(client, NULL, &atc), TALLY_ARGUMENT);
}

enum { ITEMS = 60 };

static void batches(tally_client *client) {
    tally_token token = saved(client);
    tally_issue_request wanted[ITEMS];
    tally_verify_request presented[ITEMS];
    tally_issued issued[ITEMS];
    uint32_t atcs[ITEMS];
    int32_t codes[ITEMS];
    for (int at = 0; at < ITEMS; at++) {
        tally_issue_request one = {token.token, token.trid, PAYMENT, {NULL, 0}};
        wanted[at] = one;
    }
    wanted[7].token = "4895370000000000";
    IS(tally_issue_batch(client, wanted, ITEMS, issued, codes), TALLY_OK);
    for (int at = 0; at < ITEMS; at++) {
        IS(codes[at], at == 7 ? TALLY_STATUS_UNKNOWN_TOKEN : TALLY_OK);
        tally_verify_request one = {token.token, token.trid, token.expiry, {0}, PAYMENT, {NULL, 0}};
        memcpy(one.cryptogram, issued[at].cryptogram, 20);
        presented[at] = one;
    }
    HOLDS(issued[7].expiry[0] == 0 && strcmp(issued[8].expiry, "4912") == 0);
    IS(tally_verify_batch(client, presented, ITEMS, atcs, codes), TALLY_OK);
    for (int at = 0; at < ITEMS; at++) {
        HOLDS(at == 7 ? codes[at] != 0 && atcs[at] == 0 : codes[at] == 0 && atcs[at] == (uint32_t)(at + (at < 7)));
    }
    IS(tally_verify_batch(client, presented, ITEMS, atcs, codes), TALLY_OK);
    HOLDS(codes[0] == TALLY_STATUS_REPLAYED && codes[59] == TALLY_STATUS_REPLAYED);
    IS(tally_issue_batch(client, wanted, 0, issued, codes), TALLY_ARGUMENT);
    IS(tally_issue_batch(client, wanted, 1025, issued, codes), TALLY_ARGUMENT);
    IS(tally_issue_batch(client, NULL, 1, issued, codes), TALLY_ARGUMENT);
    IS(tally_issue_batch(client, wanted, 1, NULL, codes), TALLY_ARGUMENT);
    wanted[3].token = "x";
    IS(tally_issue_batch(client, wanted, ITEMS, issued, codes), TALLY_STATUS_TOKEN_MALFORMED);
}

/* Any operation as WIRE.md has it: SHOW is a map of key 1, the token. */
static void calls(tally_client *client) {
    tally_token token = saved(client);
    tally_reply reply = {NULL, 0};
    char said[64] = "before";
    uint8_t show[3 + 16] = {0xa1, 0x01, 0x70};
    memcpy(show + 3, token.token, 16);
    IS(tally_call(client, TALLY_OPCODE_SHOW, show, sizeof show, &reply), TALLY_OK);
    HOLDS(reply.length > 100 && reply.bytes[0] == 0xae && memcmp(reply.bytes + 1, show + 1, 18) == 0);
    tally_reply_free(&reply);
    HOLDS(reply.bytes == NULL && reply.length == 0);
    tally_reply_free(&reply);
    tally_reply_free(NULL);
    IS(tally_call(client, TALLY_OPCODE_PING, NULL, 0, &reply), TALLY_OK);
    HOLDS(reply.length == 0);
    tally_reply_free(&reply);
    IS(tally_call(client, TALLY_OPCODE_SHOW, show, 2, &reply), TALLY_STATUS_BODY_TRUNCATED);
    IS(tally_call(client, TALLY_OPCODE_SHOW, NULL, 2, &reply), TALLY_ARGUMENT);
    IS(tally_call(client, 0x7777, NULL, 0, &reply), TALLY_STATUS_UNKNOWN_OPCODE);
    IS(tally_call(client, TALLY_OPCODE_STATUS, NULL, 0, &reply), TALLY_STATUS_ADMIN_SOCKET_ONLY);
    IS(tally_call(client, TALLY_OPCODE_PING, NULL, 0, NULL), TALLY_ARGUMENT);
    uint8_t *large = calloc(1, 70000);
    IS(tally_call(client, TALLY_OPCODE_SHOW, large, 70000, &reply), TALLY_TOO_LARGE);
    free(large);

    /* The daemon's words for a refusal, cut to what there is room for. */
    show[2] = 0x6f;
    IS(tally_call(client, TALLY_OPCODE_SHOW, show, sizeof show - 1, &reply), TALLY_STATUS_UNKNOWN_TOKEN);
    show[3] = 'x';
    IS(tally_call(client, TALLY_OPCODE_SHOW, show, sizeof show - 1, &reply), TALLY_STATUS_TOKEN_MALFORMED);
    IS(tally_refusal_text(client, said, sizeof said), TALLY_OK);
    HOLDS(strncmp(said, "token: ", 7) == 0);
    IS(tally_refusal_text(client, said, 4), TALLY_OK);
    HOLDS(strcmp(said, "tok") == 0);
    IS(tally_refusal_text(client, said, 0), TALLY_ARGUMENT);
    IS(tally_refusal_text(client, NULL, 4), TALLY_ARGUMENT);
    IS(tally_ping(client), TALLY_OK);
    IS(tally_refusal_text(client, said, sizeof said), TALLY_OK);
    HOLDS(said[0] == 0);
}

enum { THREADS = 4, EACH = 50 };
static tally_client *shared;
static tally_token of_all;

static void *pay(void *out) {
    tally_issue_request wanted = {of_all.token, of_all.trid, PAYMENT, {NULL, 0}};
    for (int at = 0; at < EACH; at++) {
        IS(tally_issue(shared, &wanted, (tally_issued *)out + at), TALLY_OK);
    }
    return NULL;
}

/* One client of many threads: no two get the same answer. */
static void threads(tally_client *client) {
    static tally_issued issued[THREADS * EACH];
    pthread_t running[THREADS];
    shared = client;
    of_all = saved(client);
    for (int at = 0; at < THREADS; at++) {
        HOLDS(pthread_create(&running[at], NULL, pay, issued + at * EACH) == 0);
    }
    for (int at = 0; at < THREADS; at++) {
        HOLDS(pthread_join(running[at], NULL) == 0);
    }
    for (int one = 0; one < THREADS * EACH; one++) {
        for (int other = 0; other < one; other++) {
            HOLDS(memcmp(issued[one].cryptogram, issued[other].cryptogram, 20) != 0);
        }
    }
}

/* The daemon goes, by the hand of who reads this line: nothing hangs, and a retry on another
 * client gives the same bytes. */
static tally_client *lost(tally_client *client, const char *path) {
    tally_token token = saved(client);
    tally_issue_request wanted = {token.token, token.trid, PAYMENT, key_of("lost-1")};
    tally_issued issued, again;
    IS(tally_issue(client, &wanted, &issued), TALLY_OK);
    printf("kill\n");
    fflush(stdout);
    char line[16];
    HOLDS(fgets(line, sizeof line, stdin) != NULL);
    IS(tally_issue(client, &wanted, &again), TALLY_CONNECTION_LOST);
    IS(tally_ping(client), TALLY_CONNECTION_LOST);
    tally_free(client);
    IS(tally_connect(path, "whole.c", 60000, &client), TALLY_OK);
    IS(tally_issue(client, &wanted, &again), TALLY_OK);
    HOLDS(memcmp(&issued, &again, sizeof issued) == 0);
    return client;
}

int main(int argc, char **argv) {
    tally_client *client = NULL;
    if (argc != 2) {
        return 2;
    }
    /* As a program has it that did nothing about it: a daemon that is gone must not kill us. */
    signal(SIGPIPE, SIG_DFL);
    names();
    doors(argv[1]);
    silence(argv[1]);
    noise(argv[1]);
    IS(tally_connect(argv[1], "whole.c", 60000, &client), TALLY_OK);
    IS(tally_ping(client), TALLY_OK);
    tokens(client);
    pages(client);
    cards(client);
    payments(client);
    batches(client);
    calls(client);
    threads(client);
    client = lost(client, argv[1]);
    tally_free(client);
    printf("all as it should be\n");
    return 0;
}
