#include "shared/partition.h"
