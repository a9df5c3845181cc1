#include "shared/clock.h"
