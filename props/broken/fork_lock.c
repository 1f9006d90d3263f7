/* A fork takes no lock, so that in the child one may stay taken. */
/* finds: fork.threads */
#define FORK_SAFE 0
#include "base.h"
