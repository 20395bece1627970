/* Tallystick's client for C. Made of clients/c/src by cbindgen: change it there, then run
 *
 *     TALLYSTICK_WRITE_HEADER=1 cargo test -p tallystick-c --test header
 *
 * Every function but those that name, free or wipe something returns 0 (TALLY_OK), a status of
 * the wire (docs/WIRE.md), or one of the codes from 0x10001 on. */

#ifndef TALLYSTICK_H
#define TALLYSTICK_H

#include <stddef.h>
#include <stdint.h>

// Done.
#define TALLY_OK 0

// An argument is a null pointer, a text that is not UTF-8, a number out of its range, or of
// a length that nothing has. Nothing was sent.
#define TALLY_ARGUMENT 65537

// The connection could not be made, or is over. Whether the request was done is not known,
// unless this client failed before: ask again, on another client, with the same idempotency
// key.
#define TALLY_CONNECTION_LOST 65538

// No answer came in time. The connection is given up; the outcome is not known.
#define TALLY_TIMED_OUT 65539

// The daemon sent what the protocol does not allow. The connection is given up; the outcome
// is not known.
#define TALLY_PROTOCOL 65540

// The request does not fit the largest frame agreed on. Nothing was sent.
#define TALLY_TOO_LARGE 65541

// A fault of this library. The client is of no more use; the outcome is not known.
#define TALLY_INTERNAL 65542

// The daemon refused with a status newer than this library.
#define TALLY_UNKNOWN_STATUS 65543

// The payment has an amount and a currency.
#define TALLY_AMOUNT 1

// The payment has a merchant.
#define TALLY_MERCHANT 2

// The payment has an unpredictable number.
#define TALLY_UNPREDICTABLE_NUMBER 4

// The payment is merchant-initiated.
#define TALLY_MERCHANT_INITIATED 8

// The payment is made online.
#define TALLY_ONLINE 0

// In an app.
#define TALLY_IN_APP 1

// At a contactless terminal.
#define TALLY_CONTACTLESS 2

// By an agreement, again and again.
#define TALLY_RECURRING 3

// The version of this interface. It grows when something changes for who calls it; the
// library's name (`libtally.so.1`) has it too.
#define TALLY_ABI_VERSION 1

// A connection to the daemon; opaque.
typedef struct tally_client tally_client;

// A body that `tally_call` got. Give it back with `tally_reply_free`, which wipes it.
typedef struct tally_reply {
  // As WIRE.md has it; null if there is none.
  uint8_t *bytes;
  // How many.
  size_t length;
} tally_reply;

// The caller's name for a request: with it, it can be asked again and is done once. Null
// bytes for none.
typedef struct tally_key {
  // Any bytes.
  const uint8_t *bytes;
  // 1 to 64.
  size_t length;
} tally_key;

// A card to be saved, in clear or as a held one.
typedef struct tally_provision_request {
  // 12 to 19 digits; null with a handle. The library keeps no copy.
  const char *pan;
  // Of the card, YYMM; null with a handle.
  const char *expiry;
  // The 16 bytes of a held card; null otherwise.
  const uint8_t *handle;
  // 11 digits.
  const char *trid;
  // Who authenticated the cardholder, 1 to 64 printable ASCII characters.
  const char *authentication_provider;
  // The provider's reference, the same.
  const char *authentication_reference;
  // RuPay demands it, 1 to 26 printable ASCII characters; or null.
  const char *authentication_reference_number;
  // A PAR that a network gave; or null.
  const char *par;
  // The one merchant that may use the token; or null.
  const char *merchant;
  // Bits of the channels it may be used through: 1 online, 2 in-app, 4 contactless, 8
  // recurring; 0 for all.
  uint8_t channels;
  // What every cryptogram must bind: bits as of a payment's `present`.
  uint8_t demands;
  // The cardholder's consent: 1. Anything else is refused.
  uint8_t consent;
  // Idempotency key.
  struct tally_key key;
} tally_provision_request;

// A token as it stands. Where it stands with each provider, `tally_call` tells.
typedef struct tally_token {
  // 12 to 19 digits.
  char token[20];
  // YYMM.
  char expiry[5];
  // YYMM.
  char card_expiry[5];
  // Digits.
  char card_last_four[5];
  // 11 digits.
  char trid[12];
  // As WIRE.md names networks.
  char network[16];
  // `initiated`, `active`, `suspended`, `deactivated`.
  char status[16];
  // Why it was deactivated: `expired`, `deactivated_by_bank`, `requested`; else empty.
  char reason[24];
  // PAR.
  char par[65];
  // The one that may use it; else empty.
  char merchant[256];
  // The same for the same PAN.
  uint8_t fingerprint[32];
  // Digits of the card's number.
  uint8_t pan_length;
  // Bits, as given.
  uint8_t channels;
  // Bits, as given.
  uint8_t demands;
  // Seconds since 1970.
  uint64_t created;
} tally_token;

// What is known of a payment. What `present` names is bound by the cryptogram; the rest is
// not looked at.
typedef struct tally_transaction {
  // Minor units.
  uint64_t amount;
  // 1 to 255 printable ASCII characters.
  const char *merchant;
  // Unpredictable number.
  uint32_t unpredictable_number;
  // ISO 4217 numeric, 1 to 999.
  uint16_t currency;
  // Bits: TALLY_AMOUNT and so on.
  uint8_t present;
  // TALLY_ONLINE and so on.
  uint8_t channel;
} tally_transaction;

// A cryptogram wanted.
typedef struct tally_issue_request {
  // 12 to 19 digits.
  const char *token;
  // 11 digits.
  const char *trid;
  // What is known of the payment.
  struct tally_transaction transaction;
  // Idempotency key.
  struct tally_key key;
} tally_issue_request;

// A cryptogram.
typedef struct tally_issued {
  // The 20 bytes.
  uint8_t cryptogram[20];
  // Of the token, YYMM.
  char expiry[5];
} tally_issued;

// A cryptogram to be verified and consumed.
typedef struct tally_verify_request {
  // 12 to 19 digits.
  const char *token;
  // 11 digits.
  const char *trid;
  // Of the token as presented, YYMM.
  const char *expiry;
  // The 20 bytes.
  uint8_t cryptogram[20];
  // The payment as presented.
  struct tally_transaction transaction;
  // Idempotency key.
  struct tally_key key;
} tally_verify_request;

// A card in clear. Wipe it with `tally_wipe`.
typedef struct tally_card {
  // 12 to 19 digits.
  char pan[20];
  // YYMM.
  char expiry[5];
} tally_card;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The version of this interface that the library has: compare it with TALLY_ABI_VERSION.
uint32_t tally_abi_version(void);

// A code's name, as `replayed`; `unknown` for none that is known. It is never freed.
const char *tally_name(int32_t code);

// What a code means, in English. It is never freed.
const char *tally_says(int32_t code);

// Connects to the daemon's socket at `path`. `name` is for its log, 1 to 64 printable ASCII
// characters. Each wait for the daemon lasts `timeout_milliseconds` at most; 0 for no limit.
// `client` gets what `tally_free` takes.
int32_t tally_connect(const char *path,
                      const char *name,
                      uint32_t timeout_milliseconds,
                      struct tally_client **client);

// Closes a client; null is nothing to close. No other thread may be using it.
// It is null, or came from `tally_connect` and was not freed.
void tally_free(struct tally_client *client);

// What the daemon said of the last request of this client, if it refused that with words: cut
// to `size` with its zero byte. Nothing of a request is in it.
// As all functions want it; `out` has room for `size` bytes.
int32_t tally_refusal_text(const struct tally_client *client, char *out, size_t size);

// There and back.
int32_t tally_ping(const struct tally_client *client);

// Any operation: `opcode` and `body` as WIRE.md has them. `reply` gets the body of the answer.
// As all functions want it; `body` has `length` bytes, or is null if there are none.
int32_t tally_call(const struct tally_client *client,
                   uint16_t opcode,
                   const uint8_t *body,
                   size_t length,
                   struct tally_reply *reply);

// Wipes and frees what `tally_call` got, and sets it to nothing. Null is nothing to free.
// As all functions want it; nothing of it was changed.
void tally_reply_free(struct tally_reply *reply);

// Overwrites with zeros, in a way that no compiler leaves out.
// `bytes` has `length` bytes, or is null.
void tally_wipe(uint8_t *bytes, size_t length);

// Saves a card and makes a token for it.
int32_t tally_provision(const struct tally_client *client,
                        const struct tally_provision_request *request,
                        struct tally_token *token);

// Shows a token.
int32_t tally_show(const struct tally_client *client, const char *token, struct tally_token *out);

// A page of a requestor's tokens, in the order in which they were made. `after` is null at the
// beginning, then what `next` was. `tokens` has room for `room`, 1 to 100; `count` gets how
// many there are, `next` where to go on, or 0 after the last page.
int32_t tally_list(const struct tally_client *client,
                   const char *trid,
                   const uint32_t *after,
                   struct tally_token *tokens,
                   uint8_t room,
                   size_t *count,
                   uint32_t *next);

// Suspends a token: at `provider`, or at all if that is null.
int32_t tally_suspend(const struct tally_client *client,
                      const char *token,
                      const char *provider,
                      const struct tally_key *key,
                      struct tally_token *out);

// Resumes a suspended token, or makes an initiated one active.
int32_t tally_resume(const struct tally_client *client,
                     const char *token,
                     const char *provider,
                     const struct tally_key *key,
                     struct tally_token *out);

// Deactivates a token for good; `reason` is `expired`, `deactivated_by_bank` or `requested`.
int32_t tally_deactivate(const struct tally_client *client,
                         const char *token,
                         const char *reason,
                         const char *provider,
                         const struct tally_key *key,
                         struct tally_token *out);

// Gives a token and its card a new expiry, YYMM.
int32_t tally_renew(const struct tally_client *client,
                    const char *token,
                    const char *expiry,
                    const struct tally_key *key,
                    struct tally_token *out);

// Issues a cryptogram.
int32_t tally_issue(const struct tally_client *client,
                    const struct tally_issue_request *request,
                    struct tally_issued *issued);

// Verifies a cryptogram and consumes it: it is accepted once. `atc` gets the counter.
int32_t tally_verify(const struct tally_client *client,
                     const struct tally_verify_request *request,
                     uint32_t *atc);

// Issues 1 to 1,024 cryptograms in one frame. Each item has its own code in `codes`; where
// that is 0, `issued` has its cryptogram, elsewhere zeros. If an item is malformed, that is
// returned and nothing is sent.
// As all functions want it; all three have `count` places.
int32_t tally_issue_batch(const struct tally_client *client,
                          const struct tally_issue_request *requests,
                          size_t count,
                          struct tally_issued *issued,
                          int32_t *codes);

// Verifies 1 to 1,024 cryptograms in one frame, as `tally_issue_batch` issues; where a code is
// 0, `atcs` has the counter that was consumed, elsewhere 0.
// As all functions want it; all three have `count` places.
int32_t tally_verify_batch(const struct tally_client *client,
                           const struct tally_verify_request *requests,
                           size_t count,
                           uint32_t *atcs,
                           int32_t *codes);

// Reads a token's card. Wipe it with `tally_wipe`.
int32_t tally_detokenize(const struct tally_client *client,
                         const char *token,
                         struct tally_card *card);

// The PAR of a PAN; `par` has room for 65 bytes.
int32_t tally_par(const struct tally_client *client, const char *pan, char *par);

// The fingerprint of a PAN; `fingerprint` has room for 32 bytes.
int32_t tally_fingerprint(const struct tally_client *client, const char *pan, uint8_t *fingerprint);

// Has a reissued card keep the PAR of its predecessor, a token; `par` has room for 65 bytes.
int32_t tally_link_par(const struct tally_client *client,
                       const char *pan,
                       const char *predecessor,
                       const struct tally_key *idempotency,
                       char *par);

// Hands a card in before it may be saved, for 1 to 3,600 seconds; `handle` has room for 16
// bytes, which `tally_provision` takes.
int32_t tally_hold_card(const struct tally_client *client,
                        const char *pan,
                        const char *expiry,
                        uint32_t seconds,
                        uint8_t *handle);

// Has a held card forgotten.
// As all functions want it; `handle` has 16 bytes.
int32_t tally_release_card(const struct tally_client *client, const uint8_t *handle);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TALLYSTICK_H */

// What the daemon may answer.
// a frame is shorter than its header
#define TALLY_STATUS_FRAME_TOO_SHORT 0x0101
// the frame is larger than agreed
#define TALLY_STATUS_FRAME_TOO_LARGE 0x0102
// no operation has this opcode
#define TALLY_STATUS_UNKNOWN_OPCODE 0x0103
// a reserved bit or byte is not zero
#define TALLY_STATUS_RESERVED_BITS 0x0104
// no offered protocol version is spoken here
#define TALLY_STATUS_WRONG_VERSION 0x0105
// the first frame must be HELLO
#define TALLY_STATUS_HELLO_EXPECTED 0x0106
// HELLO comes once
#define TALLY_STATUS_HELLO_REPEATED 0x0107
// the request id was used just before
#define TALLY_STATUS_DUPLICATE_REQUEST_ID 0x0108
// request ids must grow
#define TALLY_STATUS_REQUEST_OUT_OF_ORDER 0x0109
// the body ends early
#define TALLY_STATUS_BODY_TRUNCATED 0x010a
// the body goes on too long
#define TALLY_STATUS_BODY_TRAILING 0x010b
// the body is not of its operation's form
#define TALLY_STATUS_BODY_MALFORMED 0x010c
// a field is missing
#define TALLY_STATUS_FIELD_MISSING 0x010d
// a field is not known to this operation
#define TALLY_STATUS_FIELD_UNKNOWN 0x010e
// a field stands twice
#define TALLY_STATUS_FIELD_REPEATED 0x010f
// a field that is not bound must be zero
#define TALLY_STATUS_NOT_CANONICAL 0x0110
// a batch has 1 to 1,024 items
#define TALLY_STATUS_BATCH_SIZE 0x0111
// the reply does not fit the largest frame: ask for less
#define TALLY_STATUS_REPLY_TOO_LARGE 0x0112
// a PAN has 12 to 19 digits
#define TALLY_STATUS_PAN_LENGTH 0x0201
// a PAN holds digits only
#define TALLY_STATUS_PAN_NOT_DIGITS 0x0202
// the PAN fails the Luhn check
#define TALLY_STATUS_PAN_LUHN 0x0203
// an expiry is YYMM with a month of 01 to 12
#define TALLY_STATUS_EXPIRY_MALFORMED 0x0204
// a TRID has 11 digits
#define TALLY_STATUS_TRID_MALFORMED 0x0205
// a token number has 12 to 19 digits
#define TALLY_STATUS_TOKEN_MALFORMED 0x0206
// a cryptogram has 20 bytes
#define TALLY_STATUS_CRYPTOGRAM_LENGTH 0x0207
// a dynamic verification value has 3 or 4 digits
#define TALLY_STATUS_SHORT_VALUE_MALFORMED 0x0208
// binding bits are 1, 2, 4 and 8
#define TALLY_STATUS_BINDING_MALFORMED 0x0209
// a channel is 0 to 3, a set of channels 1 to 15
#define TALLY_STATUS_CHANNEL_MALFORMED 0x020a
// a currency is an ISO 4217 numeric code, 1 to 999
#define TALLY_STATUS_CURRENCY_MALFORMED 0x020b
// a merchant has 1 to 255 printable characters
#define TALLY_STATUS_MERCHANT_MALFORMED 0x020c
// an idempotency key has 1 to 64 bytes
#define TALLY_STATUS_IDEMPOTENCY_KEY_MALFORMED 0x020d
// a card is saved only with the cardholder's consent
#define TALLY_STATUS_CONSENT_MISSING 0x020e
// a card is saved only with authentication evidence: provider and reference
#define TALLY_STATUS_EVIDENCE_MISSING 0x020f
// an authentication reference number has 1 to 26 printable characters
#define TALLY_STATUS_AUTH_REFERENCE_MALFORMED 0x0210
// RuPay demands an authentication reference number
#define TALLY_STATUS_AUTH_REFERENCE_REQUIRED 0x0211
// a PAR has 1 to 64 printable characters
#define TALLY_STATUS_PAR_MALFORMED 0x0212
// a provider's name has 1 to 32 of a-z, 0-9, - and _; at most 8 are named, each once
#define TALLY_STATUS_PROVIDER_MALFORMED 0x0213
// an event is suspend, resume or deactivate with its reason
#define TALLY_STATUS_EVENT_MALFORMED 0x0214
// a page has 1 to 100 tokens
#define TALLY_STATUS_LIMIT_MALFORMED 0x0215
// an operation that changes nothing takes no idempotency key
#define TALLY_STATUS_IDEMPOTENCY_KEY_NOT_ALLOWED 0x0216
// authentication provider and reference have 1 to 64 printable characters
#define TALLY_STATUS_EVIDENCE_MALFORMED 0x0217
// a position in a list is a number below 4,294,967,296
#define TALLY_STATUS_POSITION_MALFORMED 0x0218
// a client's name has 1 to 64 printable characters
#define TALLY_STATUS_NAME_MALFORMED 0x0219
// a key's label has 1 to 32 of a-z, 0-9 and -
#define TALLY_STATUS_KEY_LABEL_MALFORMED 0x021a
// a component has as many bytes as its key
#define TALLY_STATUS_COMPONENT_MALFORMED 0x021b
// a PAN sequence number has 2 digits
#define TALLY_STATUS_PSN_MALFORMED 0x021c
// no profile or scheme of application cryptograms has this name
#define TALLY_STATUS_METHOD_MALFORMED 0x021d
// EMV data is BER-TLV, each tag once and of its length
#define TALLY_STATUS_EMV_DATA_MALFORMED 0x021e
// the EMV data lacks what the cryptogram covers, or holds what the engine adds
#define TALLY_STATUS_EMV_DATA_MISSING 0x021f
// an application cryptogram has 8 bytes
#define TALLY_STATUS_ARQC_MALFORMED 0x0220
// an answer is a code of 2 bytes, or a status update of 4 with up to 8 of proprietary data
#define TALLY_STATUS_ANSWER_MALFORMED 0x0221
// a service code has 3 digits; CVV2 and iCVV have their own
#define TALLY_STATUS_SERVICE_CODE_MALFORMED 0x0222
// a card verification value has 3 digits
#define TALLY_STATUS_CARD_VALUE_MALFORMED 0x0223
// the name of a held card or an entry session has 16 bytes
#define TALLY_STATUS_HANDLE_MALFORMED 0x0224
// a card is held for 1 to 3,600 seconds, an entry session for 1 to 86,400
#define TALLY_STATUS_SECONDS_MALFORMED 0x0225
// an encrypted card has 256 bytes
#define TALLY_STATUS_CIPHERTEXT_MALFORMED 0x0226
// the configuration names no such peer
#define TALLY_STATUS_PEER_UNKNOWN 0x0301
// the caller has no role for this operation
#define TALLY_STATUS_ROLE_MISSING 0x0302
// the caller may not act for this TRID
#define TALLY_STATUS_TRID_NOT_ALLOWED 0x0303
// this operation is served on the admin socket only
#define TALLY_STATUS_ADMIN_SOCKET_ONLY 0x0304
// the caller asks more often than it may; try again later
#define TALLY_STATUS_RATE_LIMITED 0x0305
// the share was mistyped: its checksum does not fit
#define TALLY_STATUS_SHARE_MALFORMED 0x0310
// the share belongs to another keyring, or to older shares of this one
#define TALLY_STATUS_SHARE_OF_ANOTHER 0x0311
// the share has a number that was made, and another value
#define TALLY_STATUS_SHARE_WRONG 0x0312
// the share was given already
#define TALLY_STATUS_SHARE_GIVEN 0x0313
// the passphrase or wrapping key does not open the keyring
#define TALLY_STATUS_OPENER_WRONG 0x0314
// the keyring is opened by something else: passphrase, custodians or device
#define TALLY_STATUS_OPENER_UNFIT 0x0315
// there is no such proposal: it expired, was withdrawn or is done
#define TALLY_STATUS_PROPOSAL_UNKNOWN 0x0316
// an admin cannot approve its own proposal
#define TALLY_STATUS_PROPOSAL_OWN 0x0317
// another admin must approve the proposal first
#define TALLY_STATUS_PROPOSAL_OPEN 0x0318
// only the admin who proposed it may carry it out
#define TALLY_STATUS_PROPOSAL_OF_ANOTHER 0x0319
// no retiring key has this purpose and version
#define TALLY_STATUS_KEY_NOT_RETIRING 0x031a
// the key's grace is not over
#define TALLY_STATUS_KEY_IN_GRACE 0x031b
// what is stored still needs the key
#define TALLY_STATUS_KEY_NEEDED 0x031c
// there is a key of this label
#define TALLY_STATUS_KEY_LABEL_TAKEN 0x031d
// the key block or its key is refused: the log tells why
#define TALLY_STATUS_KEY_REFUSED 0x031e
// the key may not leave
#define TALLY_STATUS_KEY_NOT_EXPORTABLE 0x031f
// the keyring holds as many imported keys as it may
#define TALLY_STATUS_KEY_LIMIT 0x0320
// components of the key are missing
#define TALLY_STATUS_COMPONENTS_MISSING 0x0321
// a custodian gives one component
#define TALLY_STATUS_COMPONENT_GIVEN 0x0322
// the components make another key than its check value says
#define TALLY_STATUS_KEY_CHECK_VALUE 0x0323
// the expiry has passed
#define TALLY_STATUS_EXPIRY_PAST 0x0401
// no token BIN range is configured for this card
#define TALLY_STATUS_NO_TOKEN_RANGE 0x0402
// the token BIN range is full
#define TALLY_STATUS_TOKEN_RANGE_FULL 0x0403
// the engine holds as many tokens as it may
#define TALLY_STATUS_TOKEN_LIMIT 0x0404
// no token has this number
#define TALLY_STATUS_UNKNOWN_TOKEN 0x0405
// the token is not active yet
#define TALLY_STATUS_TOKEN_INITIATED 0x0406
// the token is suspended
#define TALLY_STATUS_TOKEN_SUSPENDED 0x0407
// the token is deactivated
#define TALLY_STATUS_TOKEN_DEACTIVATED 0x0408
// the token has expired
#define TALLY_STATUS_TOKEN_EXPIRED 0x0409
// the TRID is not the token's
#define TALLY_STATUS_WRONG_TRID 0x040a
// the token does not stand at that provider
#define TALLY_STATUS_UNKNOWN_PROVIDER 0x040b
// the token stands at as many providers as it may
#define TALLY_STATUS_TOO_MANY_PROVIDERS 0x040c
// the PAN is already linked to another PAR
#define TALLY_STATUS_PAR_CONFLICT 0x040d
// the idempotency key was used with another request
#define TALLY_STATUS_IDEMPOTENCY_CONFLICT 0x040e
// the token or card has issued its last counter
#define TALLY_STATUS_COUNTER_EXHAUSTED 0x040f
// the token was changed as often as it may be: deactivate it
#define TALLY_STATUS_REVISION_EXHAUSTED 0x0410
// no imported key has this label
#define TALLY_STATUS_UNKNOWN_KEY 0x0411
// the key is for something else, or of another algorithm
#define TALLY_STATUS_KEY_PURPOSE 0x0412
// the engine knows as many cards as it may
#define TALLY_STATUS_CARD_LIMIT 0x0413
// the card's chip counts by itself
#define TALLY_STATUS_COUNTER_OF_CHIP 0x0414
// no card is held under this handle
#define TALLY_STATUS_UNKNOWN_HOLD 0x0415
// there is no such entry session: it ended, was used, or never was
#define TALLY_STATUS_UNKNOWN_ENTRY 0x0416
// as many cards are held as may be
#define TALLY_STATUS_HOLD_LIMIT 0x0417
// as many entry sessions are open as may be
#define TALLY_STATUS_ENTRY_LIMIT 0x0418
// what was entered is no card that was encrypted for this session
#define TALLY_STATUS_ENTRY_REFUSED 0x0419
// the cryptogram is refused
#define TALLY_STATUS_REFUSED 0x0501
// the cryptogram has an unknown format
#define TALLY_STATUS_CRYPTOGRAM_FORMAT 0x0502
// the cryptogram's key version is unknown or destroyed
#define TALLY_STATUS_KEY_VERSION 0x0503
// the expiry is not the token's
#define TALLY_STATUS_WRONG_EXPIRY 0x0504
// the token may not be used at this merchant
#define TALLY_STATUS_DOMAIN_MERCHANT 0x0505
// the token may not be used through this channel
#define TALLY_STATUS_DOMAIN_CHANNEL 0x0506
// the token demands that more of the transaction is bound
#define TALLY_STATUS_BINDING_DEMANDED 0x0507
// the cryptogram binds data that the transaction lacks
#define TALLY_STATUS_BINDING_MISMATCH 0x0508
// the cryptogram's MAC is wrong
#define TALLY_STATUS_BAD_MAC 0x0509
// the cryptogram is too old
#define TALLY_STATUS_TOO_OLD 0x050a
// the cryptogram's time lies in the future
#define TALLY_STATUS_FROM_FUTURE 0x050b
// the cryptogram's counter was never issued
#define TALLY_STATUS_NEVER_ISSUED 0x050c
// the cryptogram was accepted before
#define TALLY_STATUS_REPLAYED 0x050d
// the cryptogram's counter lies behind the replay window
#define TALLY_STATUS_BEHIND_WINDOW 0x050e
// the dynamic verification value does not match
#define TALLY_STATUS_SHORT_MISMATCH 0x050f
// the token's dynamic verification values are locked
#define TALLY_STATUS_SHORT_LOCKED 0x0510
// the token's cryptograms are locked after too many bad MACs
#define TALLY_STATUS_TOKEN_LOCKED 0x0511
// the token was paid with as often as it may be for now
#define TALLY_STATUS_TOKEN_RATE_LIMITED 0x0512
// the card verification value is wrong
#define TALLY_STATUS_CARD_VALUE_MISMATCH 0x0513
// the card is locked after too many misses
#define TALLY_STATUS_CARD_LOCKED 0x0514
// a limit is reached; try again later
#define TALLY_STATUS_BUSY 0x0601
// the engine has stopped; whether the request was done is not known
#define TALLY_STATUS_STOPPED 0x0602
// the disk is full: nothing new is taken on until there is room
#define TALLY_STATUS_STORAGE_FULL 0x0603
// the anchor cannot be written: nothing new is taken on until it can
#define TALLY_STATUS_UNANCHORED 0x0604
// the daemon is stopping; nothing that it has not answered was done
#define TALLY_STATUS_GOING_AWAY 0x0605
// no key is in memory: the daemon must be unsealed first
#define TALLY_STATUS_SEALED 0x0610
// the keys are in memory already
#define TALLY_STATUS_UNSEALED 0x0611
// the daemon cannot serve with this keyring or store; its log says why
#define TALLY_STATUS_UNSEAL_FAILED 0x0612
// the audit log cannot be written: nothing new is taken on until it can
#define TALLY_STATUS_AUDIT_UNWRITABLE 0x0618
// it may be done, and could not be recorded: its answer is withheld
#define TALLY_STATUS_UNRECORDED 0x0619
// no backup was begun on this connection, or it is at its end
#define TALLY_STATUS_NO_BACKUP 0x061a
// the store is a database that nodes share: it is backed up by its own means
#define TALLY_STATUS_STORE_SHARED 0x061b

// What `tally_call` asks.
#define TALLY_OPCODE_HELLO 0x0001
#define TALLY_OPCODE_PING 0x0002
#define TALLY_OPCODE_ISSUE 0x0010
#define TALLY_OPCODE_VERIFY 0x0011
#define TALLY_OPCODE_ISSUE_BATCH 0x0012
#define TALLY_OPCODE_VERIFY_BATCH 0x0013
#define TALLY_OPCODE_ISSUE_SHORT 0x0014
#define TALLY_OPCODE_VERIFY_SHORT 0x0015
#define TALLY_OPCODE_PROVISION 0x0020
#define TALLY_OPCODE_SHOW 0x0021
#define TALLY_OPCODE_LIST 0x0022
#define TALLY_OPCODE_CHANGE_STATUS 0x0023
#define TALLY_OPCODE_RENEW 0x0024
#define TALLY_OPCODE_LINK_PAR 0x0025
#define TALLY_OPCODE_DETOKENIZE 0x0026
#define TALLY_OPCODE_PAR 0x0027
#define TALLY_OPCODE_FINGERPRINT 0x0028
#define TALLY_OPCODE_CLEAR_SHORT_LOCK 0x0029
#define TALLY_OPCODE_RESEAL 0x002a
#define TALLY_OPCODE_EMV_ISSUE 0x0030
#define TALLY_OPCODE_EMV_VERIFY 0x0031
#define TALLY_OPCODE_EMV_ARPC 0x0032
#define TALLY_OPCODE_MAKE_CARD_VALUE 0x0033
#define TALLY_OPCODE_VERIFY_CARD_VALUE 0x0034
#define TALLY_OPCODE_HOLD_CARD 0x0038
#define TALLY_OPCODE_RELEASE_CARD 0x0039
#define TALLY_OPCODE_OPEN_ENTRY 0x003a
#define TALLY_OPCODE_ENTER_CARD 0x003b
#define TALLY_OPCODE_CLOSE_ENTRY 0x003c
#define TALLY_OPCODE_STATUS 0x0040
#define TALLY_OPCODE_METRICS 0x0041
#define TALLY_OPCODE_CUSTODY 0x0050
#define TALLY_OPCODE_UNSEAL 0x0051
#define TALLY_OPCODE_FORGET 0x0052
#define TALLY_OPCODE_SEAL 0x0053
#define TALLY_OPCODE_PROPOSE 0x0054
#define TALLY_OPCODE_APPROVE 0x0055
#define TALLY_OPCODE_WITHDRAW 0x0056
#define TALLY_OPCODE_PROPOSALS 0x0057
#define TALLY_OPCODE_DESTROY_KEY 0x0058
#define TALLY_OPCODE_DETOKENIZE_ALL 0x0059
#define TALLY_OPCODE_IMPORT_KEY 0x005a
#define TALLY_OPCODE_GIVE_COMPONENT 0x005b
#define TALLY_OPCODE_EXPORT_KEY 0x005c
#define TALLY_OPCODE_BACKUP_BEGIN 0x0060
#define TALLY_OPCODE_BACKUP_NEXT 0x0061
