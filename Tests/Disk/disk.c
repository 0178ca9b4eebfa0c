#define _GNU_SOURCE
#include "Disk.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Thread_local int failure, passing;

void disk_fail_syncs(int error, int count) {
    failure = error;
    passing = count;
}

int fsync(int descriptor) {
    if (failure && passing-- <= 0) {
        errno = failure;
        return -1;
    }
    return (int)syscall(SYS_fsync, descriptor);
}
