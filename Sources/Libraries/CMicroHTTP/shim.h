#pragma once
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

// Swift cannot call variadic functions: each call that the daemon needs is spelled out here.

typedef void (*cmh_log_callback)(void *context, const char *format, va_list arguments);

struct cmh_options {
    unsigned flags;
    int listen_socket;
    unsigned threads;
    unsigned connections;
    size_t connection_memory;
    unsigned stall_seconds;
    const char *tls_key;          // PEM text, or NULL without TLS.
    const char *tls_certificate;  // PEM text, or NULL without TLS.
    const char *tls_priorities;   // GnuTLS's priority string.
    void *context;                // Handed to every callback.
    MHD_AccessHandlerCallback access;
    MHD_RequestCompletedCallback completed;
    MHD_NotifyConnectionCallback connection;
    size_t (*unescape)(void *context, struct MHD_Connection *connection, char *text);
    cmh_log_callback log;
};

static inline struct MHD_Daemon *cmh_start(struct cmh_options o) {
    struct MHD_OptionItem extra[5];
    int n = 0;
    // MHD refuses a pool of one thread; without the option it runs exactly one.
    if (o.threads > 1) extra[n++] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)o.threads, NULL};
    if (o.tls_key != NULL) {
        extra[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)o.tls_key};
        extra[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)o.tls_certificate};
        extra[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)o.tls_priorities};
    }
    extra[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    return MHD_start_daemon(
        o.flags, 0, NULL, NULL, o.access, o.context,
        MHD_OPTION_EXTERNAL_LOGGER, (MHD_LogCallback)o.log, o.context,  // First, so that it hears about the others.
        MHD_OPTION_LISTEN_SOCKET, (MHD_socket)o.listen_socket,
        MHD_OPTION_NOTIFY_COMPLETED, o.completed, o.context,
        MHD_OPTION_NOTIFY_CONNECTION, o.connection, o.context,
        MHD_OPTION_UNESCAPE_CALLBACK, o.unescape, o.context,
        MHD_OPTION_CONNECTION_LIMIT, o.connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, o.connection_memory,
        MHD_OPTION_CONNECTION_TIMEOUT, o.stall_seconds,
        MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_ARRAY, extra, MHD_OPTION_END);
}

static inline unsigned cmh_connections(struct MHD_Daemon *daemon) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info == NULL ? 0 : info->num_connections;
}

static inline int cmh_socket(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info == NULL ? -1 : info->connect_fd;
}

static inline const struct sockaddr *cmh_peer(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return info == NULL ? NULL : info->client_addr;
}

static inline void *cmh_socket_context(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

// Bytes from the method's first to the empty line's last.
static inline size_t cmh_head_size(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info == NULL ? 0 : info->header_size;
}

// Whether the library that is linked mends what a client sends wrong: versions before 1.0 do, however strict they are told to be.
static inline int cmh_reads_leniently(void) { return MHD_get_version()[0] == '0'; }

static inline int cmh_format(char *text, size_t size, const char *format, va_list arguments) {
    return vsnprintf(text, size, format, arguments);
}

// epoll is not in Swift's Glibc module.

static inline int cmh_poll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }
static inline int cmh_bell_create(void) { return eventfd(0, EFD_CLOEXEC); }

/// Reports `id` when the socket becomes readable.
static inline int cmh_poll_readable(int poll, int socket, uint64_t id) {
    struct epoll_event event = {.events = EPOLLIN, .data = {.u64 = id}};
    return epoll_ctl(poll, EPOLL_CTL_ADD, socket, &event);
}

/// Reports `id` once, when the other side closes.
static inline int cmh_poll_hangup(int poll, int socket, uint64_t id) {
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data = {.u64 = id}};
    return epoll_ctl(poll, EPOLL_CTL_ADD, socket, &event);
}

/// Waits for one report; 1 and its id, or 0 after the time, or -1.
static inline int cmh_poll_wait(int poll, int milliseconds, uint64_t *id) {
    struct epoll_event event;
    int n = epoll_wait(poll, &event, 1, milliseconds);
    if (n == 1) *id = event.data.u64;
    return n;
}
