#include "shared/ops_server.h"
