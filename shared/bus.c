#include "shared/bus.h"
