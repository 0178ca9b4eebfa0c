#pragma once
#include <opus/opus.h>

/// `opus_decoder_ctl` takes its arguments after a comma of its own, which Swift cannot call.
static inline int cord_opus_set_gain(OpusDecoder *decoder, int gain) { return opus_decoder_ctl(decoder, OPUS_SET_GAIN(gain)); }
