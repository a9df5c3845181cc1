#include "shared/database.h"
