#include "shared/log.h"
