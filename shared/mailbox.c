#include "shared/mailbox.h"
