// Under a policy that poisons, no request is handed an earlier owner's bytes where the policy promises poison: not aligned
// ones, not large ones, not those that grow by realloc.
#include <malloc.h>

#include "support.h"

enum { secret = 0xA7, verified = 1024 };

static size_t secrets_in(const char* block, size_t from, size_t to) {
  size_t count = 0;
  for (size_t i = from; i < to; ++i) count += (unsigned char)block[i] == secret;
  return count;
}

static void leave_secrets(void) {
  enum { count = 400 };
  static char* blocks[count];
  for (int i = 0; i < count; ++i) {
    blocks[i] = hidden(malloc(100000));
    memset(blocks[i], secret, 100000);
  }
  for (int i = 0; i < count; ++i) free(blocks[i]);
}

int main(void) {
  if (strcmp(CALL(trestle_policy_name)(), "fast") == 0) return ok();
  leave_secrets();
  for (int i = 0; i < 50; ++i) {
    const char* const aligned = hidden(memalign(65536, 512));
    must(secrets_in(aligned, 0, 512 < verified ? 512 : verified) < 8); /* a byte of poison or canary may be the same */
    char* const grown = hidden(realloc(malloc(300000), 2000000));
    must(secrets_in(grown, 300000, 2000000) < 100);
    const char* const large = hidden(malloc(700000));
    must(secrets_in(large, 0, 700000) < 100);
  }
  return ok();
}
