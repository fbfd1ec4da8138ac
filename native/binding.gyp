{
  "targets": [
    {
      "target_name": "millrace",
      "sources": [
        "src/addon.cc",
        "src/addresses.cc",
        "src/cursors.cc",
        "src/datagrams.cc",
        "src/fan_out.cc",
        "src/log.cc",
        "src/packet_fan_out.cc",
        "src/packet_plan.cc",
        "src/sockets.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      # The last: a thread that is told to end while it is in here can take no exception any more; that is no reason to abort.
      "defines": [
        "NAPI_VERSION=9",
        "NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS",
        "NODE_ADDON_API_DISABLE_DEPRECATED",
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"
      ],
      "cflags!": ["-fno-omit-frame-pointer"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20", "-fno-rtti"],
      "cflags_cc": ["-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror", "-fno-exceptions", "-fvisibility=hidden"]
    }
  ]
}
