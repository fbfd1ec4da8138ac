"""GStreamer's RTSP server, for tests: plays a Matroska file (H.264, and AAC when it is there) at rtsp://127.0.0.1:PORT/cam.

Through the C library itself, which comes with gstreamer1.0-rtsp: Python's own bindings would be two packages more.

usage: gst-rtsp-server.py PORT FILE [--protocols tcp|udp|any] [--user NAME:PASSWORD] [--video-only]
"""

import argparse
import ctypes

TRANSPORTS = {"udp": 1, "tcp": 4, "any": 1 | 4}
DIGEST = 2


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("port")
    arguments.add_argument("file")
    arguments.add_argument("--protocols", choices=TRANSPORTS, default="any")
    arguments.add_argument("--user")
    arguments.add_argument("--video-only", action="store_true")
    options = arguments.parse_args()

    glib = ctypes.CDLL("libglib-2.0.so.0")
    gst = ctypes.CDLL("libgstreamer-1.0.so.0")
    rtsp = ctypes.CDLL("libgstrtspserver-1.0.so.0")

    def call(library, name, *values, returns=ctypes.c_void_p):
        function = getattr(library, name)
        function.restype = returns
        return function(*[value.encode() if isinstance(value, str) else value for value in values])

    def pointer(value):
        return ctypes.c_void_p(value)

    call(gst, "gst_init", None, None, returns=None)
    server = pointer(call(rtsp, "gst_rtsp_server_new"))
    call(rtsp, "gst_rtsp_server_set_address", server, "127.0.0.1", returns=None)
    call(rtsp, "gst_rtsp_server_set_service", server, options.port, returns=None)

    parts = [
        f"filesrc location={options.file} ! matroskademux name=demux",
        "demux.video_0 ! queue ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1",
    ]
    if not options.video_only:
        parts.append("demux.audio_0 ! queue ! aacparse ! rtpmp4gpay name=pay1 pt=97")
    factory = pointer(call(rtsp, "gst_rtsp_media_factory_new"))
    call(rtsp, "gst_rtsp_media_factory_set_launch", factory, f"( {' '.join(parts)} )", returns=None)
    call(rtsp, "gst_rtsp_media_factory_set_protocols", factory, TRANSPORTS[options.protocols], returns=None)

    if options.user is not None:
        user, password = options.user.split(":", 1)
        auth = pointer(call(rtsp, "gst_rtsp_auth_new"))
        call(rtsp, "gst_rtsp_auth_set_supported_methods", auth, DIGEST, returns=None)
        token_type = "media.factory.role"
        token = pointer(call(rtsp, "gst_rtsp_token_new_empty"))
        call(rtsp, "gst_rtsp_token_set_string", token, token_type, "user", returns=None)
        call(rtsp, "gst_rtsp_auth_add_digest", auth, user, password, token, returns=None)
        call(rtsp, "gst_rtsp_server_set_auth", server, auth, returns=None)
        permissions = pointer(call(rtsp, "gst_rtsp_permissions_new"))
        for permission in ("media.factory.access", "media.factory.construct"):
            call(rtsp, "gst_rtsp_permissions_add_permission_for_role", permissions, "user", permission, 1, returns=None)
        call(rtsp, "gst_rtsp_media_factory_set_permissions", factory, permissions, returns=None)

    mounts = pointer(call(rtsp, "gst_rtsp_server_get_mount_points", server))
    call(rtsp, "gst_rtsp_mount_points_add_factory", mounts, "/cam", factory, returns=None)
    if call(rtsp, "gst_rtsp_server_attach", server, None, returns=ctypes.c_uint) == 0:
        raise SystemExit("the port can't be had")
    print("listening", flush=True)
    call(glib, "g_main_loop_run", pointer(call(glib, "g_main_loop_new", None, 0)), returns=None)


main()
