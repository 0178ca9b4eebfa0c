#include "kernels.h"

const char *ck_kernel_name(void) { return "reference"; }
