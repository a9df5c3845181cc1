#include "shared/catalogue_input.h"
