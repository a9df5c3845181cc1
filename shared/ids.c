#include "shared/ids.h"
