#define _GNU_SOURCE
#include "CGNU.h"

#include <dlfcn.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <pthread.h>
#include <stdio.h>
#include <string.h>

const char *cord_image_path(void) {
    Dl_info image;
    return dladdr((void *)cord_image_path, &image) != 0 ? image.dli_fname : NULL;
}

ssize_t cord_find(const void *bytes, size_t size, const void *text, size_t length) {
    const char *found = memmem(bytes, size, text, length);
    return found != NULL ? found - (const char *)bytes : -1;
}

void cord_name_thread(const char *name) {
    char cut[16];
    snprintf(cut, sizeof cut, "%s", name);
    pthread_setname_np(pthread_self(), cut);
}

void cord_return_freed_memory(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}
