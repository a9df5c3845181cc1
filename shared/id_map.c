#include "shared/id_map.h"
