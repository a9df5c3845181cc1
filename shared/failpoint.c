#include "shared/failpoint.h"
