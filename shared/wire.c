#include "shared/wire.h"
