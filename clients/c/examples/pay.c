/* A card's first payments: saved, paid with, verified once, replayed, retried.
 *
 *     cc pay.c $(pkg-config --cflags --libs tally) -o pay
 *     ./pay /run/tallyd/tallyd.sock
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tallystick.h>
#include <time.h>

/* Every call tells what came of it; here anything else than expected ends the program. */
static void expect(const tally_client *client, const char *what, int32_t code, int32_t expected) {
    char said[160] = "";
    if (code == expected) {
        printf("%s: %s\n", what, tally_name(code));
        return;
    }
    if (client != NULL) {
        tally_refusal_text(client, said, sizeof said);
    }
    fprintf(stderr, "%s: %s: %s %s\n", what, tally_name(code), tally_says(code), said);
    exit(1);
}

int main(int argc, char **argv) {
    if (argc != 2 || tally_abi_version() != TALLY_ABI_VERSION) {
        fprintf(stderr, "usage: pay SOCKET (and the library of this header)\n");
        return 2;
    }
    tally_client *client = NULL;
    expect(NULL, "connect", tally_connect(argv[1], "pay.c", 30000, &client), TALLY_OK);

    /* What a payment is called: with it a request can be asked again, whatever happened. */
    char order[64];
    snprintf(order, sizeof order, "order-%lld", (long long)time(NULL));
    const tally_key key = {(const uint8_t *)order, strlen(order)};

    const tally_provision_request card = {
        .pan = "4929123456789015",
        .expiry = "4912",
        .trid = "40010000001",
        .authentication_provider = "mybank",
        .authentication_reference = "pay_1",
        .demands = TALLY_AMOUNT,
        .consent = 1,
        .key = key,
    };
    tally_token token;
    expect(client, "save", tally_provision(client, &card, &token), TALLY_OK);
    printf("saved as %s, card ending %s, %s\n", token.token, token.card_last_four, token.status);

    const tally_transaction payment = {
        .amount = 49900,
        .currency = 356,
        .merchant = "shop-17",
        .present = TALLY_AMOUNT | TALLY_MERCHANT,
        .channel = TALLY_ONLINE,
    };
    const tally_issue_request wanted = {token.token, token.trid, payment, key};
    tally_issued issued, again;
    expect(client, "issue", tally_issue(client, &wanted, &issued), TALLY_OK);

    /* The reply was lost, says somebody: the same key gives the same bytes. */
    expect(client, "retry", tally_issue(client, &wanted, &again), TALLY_OK);
    if (memcmp(issued.cryptogram, again.cryptogram, sizeof issued.cryptogram) != 0) {
        fprintf(stderr, "a retry is another cryptogram\n");
        return 1;
    }

    tally_verify_request presented = {
        .token = token.token,
        .trid = token.trid,
        .expiry = issued.expiry,
        .transaction = payment,
    };
    memcpy(presented.cryptogram, issued.cryptogram, sizeof presented.cryptogram);
    uint32_t atc = 0;
    expect(client, "verify", tally_verify(client, &presented, &atc), TALLY_OK);
    printf("accepted, counter %u\n", (unsigned)atc);

    /* A verifier who is no auditor learns TALLY_STATUS_REFUSED and no more. */
    int32_t replay = tally_verify(client, &presented, &atc);
    expect(client, "verify once more", replay,
           replay == TALLY_STATUS_REFUSED ? TALLY_STATUS_REFUSED : TALLY_STATUS_REPLAYED);

    tally_free(client);
    printf("all as it should be\n");
    return 0;
}
