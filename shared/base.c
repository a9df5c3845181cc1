#include "shared/base.h"
