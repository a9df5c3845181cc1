#include "worker/engine/show.h"
