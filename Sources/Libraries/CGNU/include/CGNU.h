// What Swift cannot call because it does not see GNU's declarations: memfd_create(2), pipe2(2), dladdr(3), memmem(3), malloc_trim(3),
// pthread_setname_np(3).
#pragma once
#include <stddef.h>
#include <sys/types.h>

struct cord_child {
    pid_t process;
    int output, errors; // The reading ends of its standard output and standard error.
};

/// Starts `program` with one argument and no environment; its standard input is a file in memory that holds the `size` bytes of `input`.
/// Returns 0, or the errno of what failed.
int cord_spawn(const char *program, const char *argument, const void *input, size_t size, struct cord_child *child);

/// The path of the file, program or library, that holds this code.
const char *cord_image_path(void);

/// Where `text` first stands in `bytes`; -1 where it does not.
ssize_t cord_find(const void *bytes, size_t size, const void *text, size_t length);

/// Names the calling thread for the system, by at most 15 bytes of `name`.
void cord_name_thread(const char *name);

/// Returns freed memory of all threads to the system. The C library keeps it in arenas that other threads do not use.
void cord_return_freed_memory(void);
