// Sound out of the containers of browsers and phones, by FFmpeg's libraries, in a process that may fail without harm.
//
//     cord-decode DEMUXER < file > frames
//
//     bytes (mapped) → demuxer, the named one alone → decoder, of the list below → float32 interleaved
//
// The file is standard input and must be a regular file or a memfd. Standard output is a `struct header` and then frames, as they come.
// Exit status 0: the whole stream was decoded. 1: standard error says in one line why not. Before it looks at the first byte the process
// gives up files, sockets and other processes (seccomp), memory and time beyond its bounds (rlimits): whatever the bytes make of it, it
// can write samples and end.

#define _GNU_SOURCE
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avstring.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// What precedes the frames. `declared_frames` is a lower bound by what the container says, −1 where it does not know.
struct header {
    char magic[4]; // "CORD"
    int32_t sample_rate, channels, reserved;
    int64_t declared_frames;
    char codec[24];
};

static const char *const demuxers[] = {"aac", "amr", "au", "caf", "flac", "matroska", "mov", "ogg", "w64", "wav"};

static const char decoders[] =
    "aac,alac,amrnb,amrwb,flac,mp2float,mp3float,opus,g722,speex,vorbis,adpcm_ima_qt,pcm_alaw,pcm_mulaw,pcm_u8,pcm_s8,pcm_s16be,pcm_s16le,pcm_s24be,"
    "pcm_s24le,pcm_s32be,pcm_s32le,pcm_f32be,pcm_f32le,pcm_f64be,pcm_f64le";

enum { processor_seconds = 30, memory_bytes = 1 << 30, block_floats = 1 << 15, largest_channels = 64 };

struct memory {
    const uint8_t *bytes;
    int64_t size, position;
};

static char complaint[256]; // The first thing that FFmpeg called an error.

static void listen(void *context, int level, const char *format, va_list arguments) {
    (void)context;
    if (level > AV_LOG_ERROR || complaint[0] != 0) return;
    vsnprintf(complaint, sizeof complaint, format, arguments);
    for (char *c = complaint; *c != 0; c++)
        if (*c < ' ' || *c > '~') *c = ' ';
}

static _Noreturn void fail(const char *what, int error) {
    char reason[AV_ERROR_MAX_STRING_SIZE] = "";
    if (error < 0) av_strerror(error, reason, sizeof reason);
    size_t length = strlen(complaint);
    while (length > 0 && complaint[length - 1] == ' ') complaint[--length] = 0;
    // Not by dprintf, which seeks first: here that is forbidden.
    char line[1024];
    int size = snprintf(line, sizeof line, "%s%s%s%s%s%s", what, error < 0 ? ": " : "", reason, length > 0 ? " (" : "", complaint,
                        length > 0 ? ")" : "");
    if (size > 0) (void)!write(2, line, (size_t)size < sizeof line ? (size_t)size : sizeof line - 1);
    _exit(1);
}

static int read_memory(void *context, uint8_t *target, int size) {
    struct memory *memory = context;
    int64_t left = memory->size - memory->position;
    if (left <= 0) return AVERROR_EOF;
    if (size > left) size = (int)left;
    memcpy(target, memory->bytes + memory->position, (size_t)size);
    memory->position += size;
    return size;
}

static int64_t seek_memory(void *context, int64_t offset, int whence) {
    struct memory *memory = context;
    if (whence & AVSEEK_SIZE) return memory->size;
    int64_t origin;
    switch (whence & ~AVSEEK_FORCE) {
    case SEEK_SET: origin = 0; break;
    case SEEK_CUR: origin = memory->position; break;
    case SEEK_END: origin = memory->size; break;
    default: return AVERROR(EINVAL);
    }
    int64_t target;
    if (__builtin_add_overflow(origin, offset, &target) || target < 0 || target > memory->size) return AVERROR(EINVAL);
    return memory->position = target;
}

// System calls that decoding needs; every other one fails with EPERM.
static int confine(void) {
#define ALLOW(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the numbers of the system calls are known on x86-64 and AArch64"
#endif
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW(write), ALLOW(brk), ALLOW(mmap), ALLOW(munmap), ALLOW(mremap), ALLOW(mprotect), ALLOW(madvise), ALLOW(futex),
        ALLOW(clock_gettime), ALLOW(gettimeofday), ALLOW(getrandom), ALLOW(sched_getaffinity), ALLOW(rt_sigreturn), ALLOW(rt_sigprocmask),
        ALLOW(getpid), ALLOW(gettid), ALLOW(tgkill), ALLOW(exit), ALLOW(exit_group),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

static void bound(int resource, rlim_t most) {
    struct rlimit limit = {most, most};
    if (setrlimit(resource, &limit) != 0) fail("the bounds of the process cannot be set", AVERROR(errno));
}

static void write_all(const void *bytes, size_t size) {
    while (size > 0) {
        ssize_t written = write(1, bytes, size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) _exit(1); // Nobody listens.
        bytes = (const char *)bytes + written;
        size -= (size_t)written;
    }
}

// Sample `index` of `channel`, full scale ±1. Integers are divided by powers of two, which is exact.
static float sample(const AVFrame *frame, enum AVSampleFormat format, int channels, int channel, int index) {
    int planar = av_sample_fmt_is_planar(format);
    const uint8_t *plane = frame->extended_data[planar ? channel : 0];
    size_t at = planar ? (size_t)index : (size_t)index * (size_t)channels + (size_t)channel;
    switch (av_get_packed_sample_fmt(format)) {
    case AV_SAMPLE_FMT_U8: return ((int)plane[at] - 128) / 128.0f;
    case AV_SAMPLE_FMT_S16: return ((const int16_t *)plane)[at] / 32768.0f;
    case AV_SAMPLE_FMT_S32: return (float)((const int32_t *)plane)[at] / 2147483648.0f;
    case AV_SAMPLE_FMT_FLT: return ((const float *)plane)[at];
    case AV_SAMPLE_FMT_DBL: return (float)((const double *)plane)[at];
    default: fail("the decoder makes samples of an unknown kind", 0);
    }
}

struct output {
    int sample_rate, channels;
    size_t filled;
    float block[block_floats];
};

static void put(struct output *output, const AVFrame *frame, const AVStream *stream, const char *codec, int knows_length) {
    int channels = frame->ch_layout.nb_channels;
    if (output->channels == 0) {
        struct header header = {.magic = {'C', 'O', 'R', 'D'}, .sample_rate = frame->sample_rate, .channels = channels, .declared_frames = -1};
        if (channels <= 0 || channels > largest_channels || frame->sample_rate <= 0) fail("the stream has no usable channels or rate", 0);
        if (knows_length && stream->duration > 0) {
            // What encoders put around the sound may be counted in.
            int64_t length = av_rescale_q(stream->duration, stream->time_base, (AVRational){1, frame->sample_rate});
            header.declared_frames = length > frame->sample_rate / 10 ? length - frame->sample_rate / 10 : 0;
        }
        snprintf(header.codec, sizeof header.codec, "%s", codec);
        write_all(&header, sizeof header);
        output->sample_rate = frame->sample_rate;
        output->channels = channels;
    }
    if (channels != output->channels || frame->sample_rate != output->sample_rate)
        fail("the sample rate or the number of channels changes within the stream", 0);
    for (int index = 0; index < frame->nb_samples; index++) {
        if (output->filled + (size_t)channels > block_floats) {
            write_all(output->block, output->filled * sizeof(float));
            output->filled = 0;
        }
        for (int channel = 0; channel < channels; channel++)
            output->block[output->filled++] = sample(frame, frame->format, channels, channel, index);
    }
}

int main(int count, char **arguments) {
    if (count != 2) fail("usage: cord-decode DEMUXER < file > frames", 0);
    const AVInputFormat *demuxer = NULL;
    for (size_t i = 0; i < sizeof demuxers / sizeof demuxers[0]; i++)
        if (strcmp(demuxers[i], arguments[1]) == 0) demuxer = av_find_input_format(demuxers[i]);
    if (demuxer == NULL) fail("no such demuxer is on the list", 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close_range(3, ~0U, 0);

    struct stat status;
    if (fstat(0, &status) != 0 || status.st_size <= 0) fail("standard input is no file with bytes", AVERROR(errno));
    struct memory memory = {.size = status.st_size};
    void *mapped = mmap(NULL, (size_t)memory.size, PROT_READ, MAP_PRIVATE, 0, 0);
    if (mapped == MAP_FAILED) fail("standard input cannot be mapped", AVERROR(errno));
    memory.bytes = mapped;

    bound(RLIMIT_CORE, 0);
    bound(RLIMIT_FSIZE, 0);
    bound(RLIMIT_CPU, processor_seconds);
    bound(RLIMIT_AS, (rlim_t)memory_bytes + (rlim_t)memory.size);
    bound(RLIMIT_NOFILE, 3);
    if (confine() != 0) fail("the process cannot be confined", AVERROR(errno));
    av_log_set_callback(listen);

    AVFormatContext *container = avformat_alloc_context();
    uint8_t *buffer = av_malloc(1 << 16);
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    struct output *output = av_mallocz(sizeof *output);
    if (container == NULL || buffer == NULL || packet == NULL || frame == NULL || output == NULL) fail("no memory", 0);
    container->pb = avio_alloc_context(buffer, 1 << 16, 0, &memory, read_memory, NULL, seek_memory);
    if (container->pb == NULL) fail("no memory", 0);
    container->protocol_whitelist = av_strdup("none");
    container->codec_whitelist = av_strdup(decoders);
    container->format_whitelist = av_strdup(demuxer->name);
    container->error_recognition |= AV_EF_CRCCHECK;

    int error = avformat_open_input(&container, NULL, demuxer, NULL);
    if (error < 0) fail("the container cannot be read", error);
    error = avformat_find_stream_info(container, NULL);
    if (error < 0) fail("the streams cannot be read", error);
    const AVCodec *codec = NULL;
    int index = av_find_best_stream(container, AVMEDIA_TYPE_AUDIO, -1, -1, NULL, 0);
    if (index < 0) fail("the file holds no sound", 0);
    AVStream *stream = container->streams[index];
    for (unsigned i = 0; i < container->nb_streams; i++)
        if ((int)i != index) container->streams[i]->discard = AVDISCARD_ALL;
    const char *name = avcodec_get_name(stream->codecpar->codec_id);
    codec = stream->codecpar->codec_id == AV_CODEC_ID_MP3 ? avcodec_find_decoder_by_name("mp3float")
                                                          : avcodec_find_decoder(stream->codecpar->codec_id);
    if (codec == NULL || !av_match_name(codec->name, decoders)) {
        snprintf(complaint, sizeof complaint, "%s", name);
        fail("no decoder on the list reads the sound's codec", 0);
    }
    AVCodecContext *decoder = avcodec_alloc_context3(codec);
    if (decoder == NULL || avcodec_parameters_to_context(decoder, stream->codecpar) < 0) fail("no memory", 0);
    decoder->thread_count = 1;
    decoder->pkt_timebase = stream->time_base;
    decoder->err_recognition |= AV_EF_CRCCHECK;
    // Its frames have checksums: a frame without the right one is a fault.
    if (codec->id == AV_CODEC_ID_FLAC) decoder->err_recognition |= AV_EF_EXPLODE;
    error = avcodec_open2(decoder, codec, NULL);
    if (error < 0) fail("the decoder cannot be opened", error);
    complaint[0] = 0;

    // Elsewhere the length is estimated, or counted in packets, or that of a picture beside the sound.
    int knows_length = strcmp(arguments[1], "mov") == 0 || strcmp(arguments[1], "flac") == 0 || strcmp(arguments[1], "ogg") == 0;
    int ends = 0;
    while (!ends) {
        error = av_read_frame(container, packet);
        ends = error == AVERROR_EOF;
        if (error < 0 && !ends) fail("a packet cannot be read", error);
        if (!ends && packet->stream_index != index) {
            av_packet_unref(packet);
            continue;
        }
        // Sound of unknown size in CAF ends where the file does, also within what FFmpeg reads at once.
        if (!ends && (packet->flags & AV_PKT_FLAG_CORRUPT) && strcmp(arguments[1], "caf") != 0) fail("the file ends within a packet", 0);
        error = avcodec_send_packet(decoder, ends ? NULL : packet);
        if (error < 0) fail("a packet is damaged", error);
        av_packet_unref(packet);
        while ((error = avcodec_receive_frame(decoder, frame)) >= 0) {
            put(output, frame, stream, name, knows_length);
            av_frame_unref(frame);
        }
        if (error != AVERROR(EAGAIN) && error != AVERROR_EOF) fail("a packet is damaged", error);
    }
    if (container->pb->error < 0) fail("the file cannot be read", container->pb->error);
    if (output->channels == 0) fail("the file holds no samples", 0);
    write_all(output->block, output->filled * sizeof(float));
    _exit(0);
}
