#include "shared/catalogue_sql.h"
