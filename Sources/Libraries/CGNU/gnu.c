#define _GNU_SOURCE
#include "CGNU.h"

#include <dlfcn.h>
#include <string.h>

const char *cord_image_path(void) {
    Dl_info image;
    return dladdr((void *)cord_image_path, &image) != 0 ? image.dli_fname : NULL;
}

ssize_t cord_find(const void *bytes, size_t size, const void *text, size_t length) {
    const char *found = memmem(bytes, size, text, length);
    return found != NULL ? found - (const char *)bytes : -1;
}
