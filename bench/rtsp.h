// How a player opens an RTSP stream over TCP: DESCRIBE, a SETUP for each track, PLAY (RFC 2326 §10), each when the answer to the
// one before is here.
#ifndef MILLRACE_BENCH_RTSP_H
#define MILLRACE_BENCH_RTSP_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_RTSP_TRACKS 4
#define MAX_RTSP_ANSWER 8192

struct rtsp_opening {
  bool is_described, is_asked_to_play;
  uint8_t track_count, set_up_count, request_count;
  char session[96];
  char controls[MAX_RTSP_TRACKS][256];  // addresses of the tracks
  uint32_t length;
  char answer[MAX_RTSP_ANSWER + 1];
};

// The next request into `request`; its length.
static inline size_t put_rtsp_request(struct rtsp_opening *opening, const char *url, char *request, size_t room) {
  char session[112] = "";
  if (opening->session[0] != 0) snprintf(session, sizeof session, "Session: %s\r\n", opening->session);
  const unsigned cseq = ++opening->request_count, track = opening->set_up_count;
  int length;
  if (!opening->is_described) {
    length = snprintf(request, room, "DESCRIBE %s RTSP/1.0\r\nCSeq: %u\r\nAccept: application/sdp\r\n\r\n", url, cseq);
  } else if (track < opening->track_count) {
    length = snprintf(request, room,
                      "SETUP %s RTSP/1.0\r\nCSeq: %u\r\n%sTransport: RTP/AVP/TCP;unicast;interleaved=%u-%u\r\n\r\n",
                      opening->controls[track], cseq, session, 2 * track, 2 * track + 1);
  } else {
    length = snprintf(request, room, "PLAY %s RTSP/1.0\r\nCSeq: %u\r\n%sRange: npt=0.000-\r\n\r\n", url, cseq, session);
    opening->is_asked_to_play = true;
  }
  return length < 0 || (size_t)length >= room ? 0 : (size_t)length;
}

// The line of a header, behind its name and the colon; NULL when there is none.
static inline const char *rtsp_header(const char *answer, const char *name) {
  const size_t length = strlen(name);
  for (const char *line = answer; (line = strstr(line, "\r\n")) != NULL;) {
    line += 2;
    if (strncasecmp(line, name, length) == 0 && line[length] == ':') return line + length + 1 + strspn(line + length + 1, " ");
    if (line[0] == '\r') break;
  }
  return NULL;
}

// a=control of each section; a relative one hangs on the address that was asked for.
static inline void read_rtsp_tracks(struct rtsp_opening *opening, const char *sdp, const char *url) {
  for (const char *section = strstr(sdp, "\nm="); section != NULL && opening->track_count < MAX_RTSP_TRACKS;) {
    const char *next = strstr(section + 1, "\nm="), *control = strstr(section, "\na=control:");
    if (control != NULL && (next == NULL || control < next)) {
      control += strlen("\na=control:");
      const int length = (int)strcspn(control, "\r\n"), room = (int)sizeof opening->controls[0];
      const bool is_whole = strncmp(control, "rtsp://", 7) == 0;
      char *to = opening->controls[opening->track_count];
      const int written = snprintf(to, (size_t)room, "%s%s%.*s", is_whole ? "" : url, is_whole ? "" : "/", length, control);
      if (written > 0 && written < room) opening->track_count++;
    }
    section = next;
  }
}

// Takes bytes of an answer: how many of them belong to it, or -1 when it says no. `is_whole` tells whether it is all here.
static inline int take_rtsp_answer(struct rtsp_opening *opening, const uint8_t *bytes, size_t count, const char *url, bool *is_whole) {
  const uint32_t before = opening->length, room = MAX_RTSP_ANSWER - before;
  const uint32_t taken = count < room ? (uint32_t)count : room;
  char *const answer = opening->answer;
  memcpy(answer + before, bytes, taken);
  opening->length += taken;
  answer[opening->length] = 0;
  *is_whole = false;
  const char *end = memmem(answer, opening->length, "\r\n\r\n", 4);
  if (end == NULL) return opening->length == MAX_RTSP_ANSWER ? -1 : (int)taken;
  const char *text = rtsp_header(answer, "Content-Length");
  const size_t head = (size_t)(end - answer) + 4, body = text == NULL ? 0 : strtoul(text, NULL, 10);
  if (strncmp(answer, "RTSP/1.0 200", 12) != 0 || body > MAX_RTSP_ANSWER - head) return -1;
  if (opening->length < head + body) return (int)taken;
  *is_whole = true;
  opening->length = 0;
  if (opening->is_asked_to_play) return (int)(head + body - before);
  const char *session = rtsp_header(answer, "Session");
  if (session != NULL) {
    const int length = (int)strcspn(session, ";\r\n"), room = (int)sizeof opening->session;
    if (snprintf(opening->session, (size_t)room, "%.*s", length, session) >= room) return -1;
  }
  if (opening->is_described) {
    opening->set_up_count++;
  } else {
    const char kept = answer[head + body];
    answer[head + body] = 0;
    read_rtsp_tracks(opening, answer + head, url);
    answer[head + body] = kept;
    opening->is_described = true;
    if (opening->track_count == 0) return -1;
  }
  return (int)(head + body - before);
}
#endif
