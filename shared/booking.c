#include "shared/booking.h"
