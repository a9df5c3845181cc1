#include "shared/status.h"
