#define _GNU_SOURCE
#include "CGNU.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int fill(int file, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t written = write(file, bytes, size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return errno;
        bytes += written;
        size -= (size_t)written;
    }
    return 0;
}

static int start(const char *program, const char *argument, const int files[3], pid_t *process) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0) return error;
    error = posix_spawnattr_init(&attributes);
    if (error == 0) {
        for (int i = 0; i < 3 && error == 0; i++) error = posix_spawn_file_actions_adddup2(&actions, files[i], i);
        // Signals that this process's threads block or handle are no affair of the other's.
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        char *const arguments[] = {(char *)program, (char *)argument, NULL}, *const environment[] = {NULL};
        if (error == 0) error = posix_spawn(process, program, &actions, &attributes, arguments, environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

int cord_spawn(const char *program, const char *argument, const void *input, size_t size, struct cord_child *child) {
    int file = memfd_create("clip", MFD_CLOEXEC), output[2], errors[2];
    if (file < 0) return errno;
    int error = fill(file, input, size);
    if (error == 0 && pipe2(output, O_CLOEXEC) != 0) error = errno;
    else if (error == 0) {
        if (pipe2(errors, O_CLOEXEC) != 0) error = errno;
        else {
            error = start(program, argument, (int[]){file, output[1], errors[1]}, &child->process);
            close(errors[1]);
            if (error != 0) close(errors[0]);
        }
        close(output[1]);
        if (error != 0) close(output[0]);
    }
    close(file);
    child->output = output[0];
    child->errors = errors[0];
    return error;
}
