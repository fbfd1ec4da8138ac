// The border to JavaScript: one Shard object for each thread. Arguments were checked in TypeScript; what crosses is views,
// offsets and counts. Errors come back as negative errno; nothing throws.
#include <napi.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <memory>

#include "shard.h"

namespace millrace {

namespace {

class ShardObject : public Napi::ObjectWrap<ShardObject> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "Shard",
                       {
                           InstanceMethod<&ShardObject::Start>("start"),
                           InstanceMethod<&ShardObject::Stop>("stop"),
                           InstanceMethod<&ShardObject::SetCursors>("setCursors"),
                           InstanceMethod<&ShardObject::Poll>("poll"),
                           InstanceMethod<&ShardObject::PausePaced>("pausePaced"),
                           InstanceMethod<&ShardObject::TakeEvents>("takeEvents"),
                           InstanceMethod<&ShardObject::Listen>("listen"),
                           InstanceMethod<&ShardObject::CloseListener>("closeListener"),
                           InstanceMethod<&ShardObject::DroppedCount>("droppedCount"),
                           InstanceMethod<&ShardObject::Adopt>("adopt"),
                           InstanceMethod<&ShardObject::Take>("take"),
                           InstanceMethod<&ShardObject::DoorbellFd>("doorbellFd"),
                           InstanceMethod<&ShardObject::Connect>("connect"),
                           InstanceMethod<&ShardObject::PeerAddress>("peerAddress"),
                           InstanceMethod<&ShardObject::Send>("send"),
                           InstanceMethod<&ShardObject::End>("end"),
                           InstanceMethod<&ShardObject::Destroy>("destroy"),
                           InstanceMethod<&ShardObject::OpenLog>("openLog"),
                           InstanceMethod<&ShardObject::AttachLog>("attachLog"),
                           InstanceMethod<&ShardObject::ReplaceLog>("replaceLog"),
                           InstanceMethod<&ShardObject::CloseLog>("closeLog"),
                           InstanceMethod<&ShardObject::Play>("play"),
                           InstanceMethod<&ShardObject::StartPlaying>("startPlaying"),
                           InstanceMethod<&ShardObject::StopPlaying>("stopPlaying"),
                           InstanceMethod<&ShardObject::Pause>("pause"),
                           InstanceMethod<&ShardObject::Finish>("finish"),
                           InstanceMethod<&ShardObject::Flush>("flush"),
                           InstanceMethod<&ShardObject::Sweep>("sweep"),
                           InstanceMethod<&ShardObject::ConnectionBytes>("connectionBytes"),
                           InstanceMethod<&ShardObject::Counters>("counters"),
                           InstanceMethod<&ShardObject::OpenDatagrams>("openDatagrams"),
                           InstanceMethod<&ShardObject::CloseDatagrams>("closeDatagrams"),
                           InstanceMethod<&ShardObject::DatagramCounters>("datagramCounters"),
                           InstanceMethod<&ShardObject::OpenPeer>("openPeer"),
                           InstanceMethod<&ShardObject::ClosePeer>("closePeer"),
                           InstanceMethod<&ShardObject::SendDatagram>("sendDatagram"),
                           InstanceMethod<&ShardObject::PeerBytes>("peerBytes"),
                           InstanceMethod<&ShardObject::StrangerAddress>("strangerAddress"),
                           InstanceMethod<&ShardObject::PlayPackets>("playPackets"),
                           InstanceMethod<&ShardObject::StartPackets>("startPackets"),
                           InstanceMethod<&ShardObject::StopPackets>("stopPackets"),
                           InstanceMethod<&ShardObject::PausePackets>("pausePackets"),
                           InstanceMethod<&ShardObject::FinishPackets>("finishPackets"),
                           InstanceMethod<&ShardObject::ContinuePackets>("continuePackets"),
                       });
  }

  // new Shard(receiveBuffer: Uint8Array, streamBytes). Throws when there is no descriptor left for its epoll set.
  explicit ShardObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ShardObject>(info) {
    if (!info[0].IsTypedArray() || !info[1].IsNumber()) {
      Throw(info.Env(), "a shard needs a Uint8Array to receive into, and the length of the part for connections");
      return;
    }
    auto buffer = info[0].As<Napi::Uint8Array>();
    auto shard = std::make_unique<Shard>(&kRealSyscalls, buffer.Data(), Size(info[1]), buffer.ByteLength());
    if (shard->epoll_fd() < 0) {
      Throw(info.Env(), "there is no descriptor left for an epoll set");
      return;
    }
    receive_buffer_ = Napi::Persistent(buffer.As<Napi::Object>());
    shard_ = std::move(shard);
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    shard_->SetDescriptorLimit(static_cast<int>(std::min<rlim_t>(limit.rlim_cur, INT_MAX)));
  }

  ~ShardObject() override { StopPolling(); }

 private:
  // The libuv handle lives longer than the object: until the loop has closed it. A thread that ends while a handle is open, or
  // while it is closing, takes the process with it: the hook makes the environment wait.
  struct Polling {
    uv_poll_t handle{};
    napi_env env = nullptr;
    napi_async_cleanup_hook_handle hook = nullptr;
    ShardObject* owner = nullptr;
  };

  static void Throw(Napi::Env env, const char* sentence) { Napi::Error::New(env, sentence).ThrowAsJavaScriptException(); }

  // start(onReady: () => void): calls it whenever a socket has something to say.
  void Start(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    if (!shard_ || polling_ != nullptr) return Throw(env, "a shard is started once");
    uv_loop_t* loop = nullptr;
    napi_get_uv_event_loop(env, &loop);
    auto polling = std::make_unique<Polling>();
    if (uv_poll_init(loop, &polling->handle, shard_->epoll_fd()) != 0) return Throw(env, "the event loop takes no epoll set");
    on_ready_ = Napi::Persistent(info[0].As<Napi::Function>());
    polling_ = polling.release();
    polling_->env = env;
    polling_->owner = this;
    polling_->handle.data = polling_;
    napi_add_async_cleanup_hook(env, &ShardObject::OnCleanup, polling_, &polling_->hook);
    uv_poll_start(&polling_->handle, UV_READABLE, &ShardObject::OnReady);
  }

  static void OnReady(uv_poll_t* handle, int, int) {
    const auto* polling = static_cast<Polling*>(handle->data);
    if (polling->owner == nullptr) return;
    const napi_env env = polling->env;
    Napi::HandleScope scope(env);
    const napi_value callback = polling->owner->on_ready_.Value();
    // What follows may stop this shard, or end this thread: `polling` is not looked at again.
    const napi_status status = napi_make_callback(env, nullptr, Napi::Env(env).Global(), callback, 0, nullptr, nullptr);
    if (status != napi_pending_exception) return;
    napi_value error = nullptr;
    if (napi_get_and_clear_last_exception(env, &error) == napi_ok && error != nullptr) napi_fatal_exception(env, error);
  }

  void Stop(const Napi::CallbackInfo&) { StopPolling(); }

  // First the handle, then the descriptor that it watches.
  void StopPolling() {
    if (polling_ != nullptr) {
      polling_->owner = nullptr;
      uv_close(reinterpret_cast<uv_handle_t*>(&polling_->handle), &ShardObject::OnClosed);
      polling_ = nullptr;
    }
    shard_.reset();
  }

  static void OnClosed(uv_handle_t* handle) {
    const std::unique_ptr<Polling> polling(static_cast<Polling*>(handle->data));
    napi_remove_async_cleanup_hook(polling->hook);
  }

  // The environment ends. When the shard was stopped before, the loop is closing the handle already.
  static void OnCleanup(napi_async_cleanup_hook_handle, void* data) {
    ShardObject* owner = static_cast<Polling*>(data)->owner;
    if (owner != nullptr) owner->StopPolling();
  }

  // setCursors(shared: Uint8Array, capacity: number)
  void SetCursors(const Napi::CallbackInfo& info) {
    if (!shard_) return;
    auto view = info[0].As<Napi::Uint8Array>();
    cursors_ = Napi::Persistent(view.As<Napi::Object>());
    shard_->SetCursors(CursorColumns::Over(view.Data(), info[1].As<Napi::Number>().Uint32Value()));
  }

  // poll(nowMs, readsPaced): whether there is more
  Napi::Value Poll(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), shard_ != nullptr && shard_->Poll(Double(info[0]), info[1].As<Napi::Boolean>().Value()));
  }

  // pausePaced(isPaused): whether anybody waits now
  Napi::Value PausePaced(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), shard_ != nullptr && shard_->PausePaced(info[0].As<Napi::Boolean>().Value()));
  }

  // takeEvents(target: Float64Array): number of events, four numbers each
  Napi::Value TakeEvents(const Napi::CallbackInfo& info) {
    if (shard_ == nullptr) return Napi::Number::New(info.Env(), 0);
    auto target = info[0].As<Napi::Float64Array>();
    return Napi::Number::New(info.Env(), static_cast<double>(shard_->TakeEvents(target.Data(), target.ElementLength() / 4)));
  }

  // listen(host, port, backlog, reusePort, maxConnections): [listener or -errno, port]
  Napi::Value Listen(const Napi::CallbackInfo& info) {
    int port = 0;
    const int result = shard_ ? shard_->Listen(info[0].As<Napi::String>().Utf8Value(), Int(info[1]), Int(info[2]),
                                               info[3].As<Napi::Boolean>().Value(), Int(info[4]), &port)
                              : -EBADF;
    return Pair(info.Env(), result, port);
  }

  void CloseListener(const Napi::CallbackInfo& info) { if (shard_) shard_->CloseListener(Int(info[0])); }
  Napi::Value DroppedCount(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), shard_ ? shard_->DroppedCount(Int(info[0])) : 0);
  }
  Napi::Value Adopt(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), shard_ ? shard_->Adopt(Int(info[0])) : -EBADF);
  }

  Napi::Value Take(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), shard_ ? shard_->Take(Int(info[0])) : -EBADF);
  }
  Napi::Value DoorbellFd(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), shard_ ? shard_->doorbell_fd() : -1);
  }

  // connect(host, port, localHost): connection
  Napi::Value Connect(const Napi::CallbackInfo& info) {
    const int id = shard_ ? shard_->Connect(info[0].As<Napi::String>().Utf8Value(), Int(info[1]), info[2].As<Napi::String>().Utf8Value()) : -EBADF;
    return Napi::Number::New(info.Env(), id);
  }

  // peerAddress(id): [host, port]
  Napi::Value PeerAddress(const Napi::CallbackInfo& info) {
    std::string host;
    int port = 0;
    if (shard_) shard_->PeerAddress(Int(info[0]), &host, &port);
    return Pair(info.Env(), host, port);
  }

  // send(id, bytes, maxQueuedBytes)
  void Send(const Napi::CallbackInfo& info) {
    if (!shard_) return;
    auto bytes = info[1].As<Napi::Uint8Array>();
    shard_->Send(Int(info[0]), bytes.Data(), bytes.ByteLength(), static_cast<size_t>(Double(info[2])));
  }

  void End(const Napi::CallbackInfo& info) { if (shard_) shard_->End(Int(info[0]), Double(info[1])); }
  void Destroy(const Napi::CallbackInfo& info) { if (shard_) shard_->Destroy(Int(info[0])); }

  // openLog(memory: Uint8Array, capacity, entryCapacity): log
  Napi::Value OpenLog(const Napi::CallbackInfo& info) {
    if (!shard_) return Napi::Number::New(info.Env(), -EBADF);
    auto view = info[0].As<Napi::Uint8Array>();
    const int id = shard_->OpenLog(view.Data(), Size(info[1]), Size(info[2]));
    Keep(id, view);
    return Napi::Number::New(info.Env(), id);
  }

  void AttachLog(const Napi::CallbackInfo& info) {
    if (!shard_) return;
    auto view = info[1].As<Napi::Uint8Array>();
    shard_->AttachLog(Int(info[0]), view.Data(), Size(info[2]), Size(info[3]));
    Keep(Int(info[0]), view);
  }

  void ReplaceLog(const Napi::CallbackInfo& info) {
    if (!shard_) return;
    auto view = info[1].As<Napi::Uint8Array>();
    shard_->ReplaceLog(Int(info[0]), view.Data(), Size(info[2]), Size(info[3]), Double(info[4]));
    Keep(Int(info[0]), view);
  }

  void CloseLog(const Napi::CallbackInfo& info) {
    if (!shard_) return;
    shard_->CloseLog(Int(info[0]));
    memories_[Int(info[0])].Reset();
  }

  void Play(const Napi::CallbackInfo& info) { if (shard_) shard_->Play(Int(info[0]), Int(info[1]), Int(info[2]), Double(info[3])); }
  void StartPlaying(const Napi::CallbackInfo& info) { if (shard_) shard_->StartPlaying(Int(info[0]), Double(info[1])); }
  void StopPlaying(const Napi::CallbackInfo& info) { if (shard_) shard_->StopPlaying(Int(info[0])); }
  void Pause(const Napi::CallbackInfo& info) {
    if (shard_) shard_->Pause(Int(info[0]), info[1].As<Napi::Boolean>().Value(), Double(info[2]));
  }
  void Finish(const Napi::CallbackInfo& info) { if (shard_) shard_->Finish(Int(info[0]), Double(info[1])); }

  // flush(log, limits: Float64Array, nowMs, isNewRound, most): cursors that are left
  Napi::Value Flush(const Napi::CallbackInfo& info) {
    if (!shard_) return Napi::Number::New(info.Env(), 0);
    const bool is_new_round = info[3].As<Napi::Boolean>().Value();
    const size_t left = shard_->Flush(Int(info[0]), Limits(info[1]), Double(info[2]), is_new_round, Size(info[4]));
    return Napi::Number::New(info.Env(), static_cast<double>(left));
  }
  void Sweep(const Napi::CallbackInfo& info) { if (shard_) shard_->Sweep(Limits(info[0]), Double(info[1])); }

  // connectionBytes(id): [received, sent]
  Napi::Value ConnectionBytes(const Napi::CallbackInfo& info) {
    const Connection* c = shard_ ? shard_->Find(Int(info[0])) : nullptr;
    return Pair(info.Env(), c == nullptr ? 0 : c->received_bytes, c == nullptr ? 0 : c->sent_bytes);
  }

  // counters(target: Float64Array)
  void Counters(const Napi::CallbackInfo& info) {
    if (!shard_) return;
    double* target = info[0].As<Napi::Float64Array>().Data();
    const auto& counters = shard_->counters;
    target[kCounterAccepted] = counters.accepted;
    target[kCounterOpen] = counters.open;
    target[kCounterReceivedBytes] = counters.received_bytes;
    target[kCounterSentBytes] = counters.sent_bytes;
    target[kCounterJumps] = counters.jumps;
    target[kCounterEvicted] = counters.evicted;
    target[kCounterSocketErrors] = counters.socket_errors;
    target[kCounterDropped] = counters.dropped;
    target[kCounterSends] = counters.sends;
    target[kCounterAcceptPauses] = counters.accept_pauses;
    target[kCounterQueuedBytes] = counters.queued_bytes;
    target[kCounterConnectionTableBytes] = shard_->ConnectionTableBytes();
  }

  // openDatagrams(host, port, bufferBytes, multicastTtl, multicastInterface): [socket or -errno, port, receive and send buffer bytes]
  Napi::Value OpenDatagrams(const Napi::CallbackInfo& info) {
    DatagramOptions options;
    options.host = info[0].As<Napi::String>().Utf8Value();
    options.port = Int(info[1]);
    options.buffer_bytes = Int(info[2]);
    options.multicast_ttl = Int(info[3]);
    options.multicast_interface = info[4].As<Napi::String>().Utf8Value();
    int port = 0, receive_bytes = 0, send_bytes = 0;
    const int socket = shard_ ? shard_->datagrams().Open(options, &port) : -EBADF;
    if (socket >= 0) shard_->datagrams().BufferBytes(socket, &receive_bytes, &send_bytes);
    auto result = Napi::Array::New(info.Env(), 4);
    result.Set(0u, socket);
    result.Set(1u, port);
    result.Set(2u, receive_bytes);
    result.Set(3u, send_bytes);
    return result;
  }
  void CloseDatagrams(const Napi::CallbackInfo& info) { if (shard_) shard_->datagrams().Close(Int(info[0])); }

  // datagramCounters(socket, target: Float64Array)
  void DatagramCounters(const Napi::CallbackInfo& info) {
    if (!shard_) return;
    double* target = info[1].As<Napi::Float64Array>().Data();
    const auto counters = shard_->datagrams().CountersOf(Int(info[0]));
    target[kDatagramCounterReceivedPackets] = counters.received_packets;
    target[kDatagramCounterReceivedBytes] = counters.received_bytes;
    target[kDatagramCounterStrangerPackets] = counters.stranger_packets;
    target[kDatagramCounterSentPackets] = counters.sent_packets;
    target[kDatagramCounterSentBytes] = counters.sent_bytes;
    target[kDatagramCounterDroppedPackets] = counters.dropped_packets;
    target[kDatagramCounterOverflowedPackets] = counters.overflowed_packets;
    target[kDatagramCounterRefusedSegmentations] = counters.refused_segmentations;
  }

  // openPeer(socket, host, port, maxPeers): peer or -errno
  Napi::Value OpenPeer(const Napi::CallbackInfo& info) {
    const int peer =
        shard_ ? shard_->datagrams().OpenPeer(Int(info[0]), info[1].As<Napi::String>().Utf8Value(), Int(info[2]), Size(info[3]))
               : -EBADF;
    return Napi::Number::New(info.Env(), peer);
  }
  void ClosePeer(const Napi::CallbackInfo& info) { if (shard_) shard_->datagrams().ClosePeer(Int(info[0])); }

  // sendDatagram(peer, bytes)
  void SendDatagram(const Napi::CallbackInfo& info) {
    if (!shard_) return;
    auto bytes = info[1].As<Napi::Uint8Array>();
    shard_->datagrams().Send(Int(info[0]), bytes.Data(), bytes.ByteLength());
  }

  // peerBytes(peer): [received, sent]
  Napi::Value PeerBytes(const Napi::CallbackInfo& info) {
    double received = 0, sent = 0;
    if (shard_) shard_->datagrams().PeerBytes(Int(info[0]), &received, &sent);
    return Pair(info.Env(), received, sent);
  }

  // strangerAddress(offset): [host, port]
  Napi::Value StrangerAddress(const Napi::CallbackInfo& info) {
    std::string host;
    int port = 0;
    if (shard_) shard_->datagrams().SenderOf(Size(info[0]), &host, &port);
    return Pair(info.Env(), host, port);
  }

  // playPackets(log, cursor, routes: Int32Array, nowMs): player
  Napi::Value PlayPackets(const Napi::CallbackInfo& info) {
    if (!shard_) return Napi::Number::New(info.Env(), -EBADF);
    auto routes = info[2].As<Napi::Int32Array>();
    const int player =
        shard_->datagrams().Play(Int(info[0]), Int(info[1]), routes.Data(), routes.ElementLength(), Double(info[3]));
    return Napi::Number::New(info.Env(), player);
  }
  void StartPackets(const Napi::CallbackInfo& info) { if (shard_) shard_->datagrams().StartPlaying(Int(info[0]), Double(info[1])); }
  void StopPackets(const Napi::CallbackInfo& info) { if (shard_) shard_->datagrams().StopPlaying(Int(info[0])); }
  void PausePackets(const Napi::CallbackInfo& info) {
    if (shard_) shard_->datagrams().Pause(Int(info[0]), info[1].As<Napi::Boolean>().Value(), Double(info[2]));
  }
  void FinishPackets(const Napi::CallbackInfo& info) { if (shard_) shard_->datagrams().Finish(Int(info[0]), Double(info[1])); }
  void ContinuePackets(const Napi::CallbackInfo& info) { if (shard_) shard_->datagrams().Continue(Double(info[0])); }

  void Keep(int log, Napi::Uint8Array view) {
    if (static_cast<size_t>(log) >= memories_.size()) memories_.resize(static_cast<size_t>(log) + 1);
    memories_[log] = Napi::Persistent(view.As<Napi::Object>());
  }

  template <typename First, typename Second>
  static Napi::Value Pair(Napi::Env env, const First& first, const Second& second) {
    auto pair = Napi::Array::New(env, 2);
    pair.Set(0u, first);
    pair.Set(1u, second);
    return pair;
  }

  static int Int(const Napi::Value& value) { return value.As<Napi::Number>().Int32Value(); }
  static double Double(const Napi::Value& value) { return value.As<Napi::Number>().DoubleValue(); }
  static uint64_t Size(const Napi::Value& value) { return static_cast<uint64_t>(value.As<Napi::Number>().Int64Value()); }
  static LagLimits Limits(const Napi::Value& value) {
    auto numbers = value.As<Napi::Float64Array>();
    return {numbers[0], numbers[1], numbers[2], numbers[3]};
  }

  std::unique_ptr<Shard> shard_;
  Polling* polling_ = nullptr;
  Napi::FunctionReference on_ready_;
  // The views keep their memory alive for as long as it is read here.
  Napi::ObjectReference receive_buffer_;
  Napi::ObjectReference cursors_;
  std::vector<Napi::ObjectReference> memories_;
};

// duplicate(fd): a descriptor for another thread to take, or -errno
Napi::Value Duplicate(const Napi::CallbackInfo& info) {
  const int copy = fcntl(info[0].As<Napi::Number>().Int32Value(), F_DUPFD_CLOEXEC, 0);
  return Napi::Number::New(info.Env(), copy < 0 ? -errno : copy);
}

void CloseDescriptor(const Napi::CallbackInfo& info) { close(info[0].As<Napi::Number>().Int32Value()); }

// ringDoorbell(fd): of another thread's shard, which is known to be there still
void RingDoorbell(const Napi::CallbackInfo& info) { eventfd_write(info[0].As<Napi::Number>().Int32Value(), 1); }

}  // namespace

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("layoutHash", Napi::Number::New(env, kLayoutHash));
  exports.Set("Shard", ShardObject::Define(env));
  exports.Set("duplicate", Napi::Function::New<Duplicate>(env));
  exports.Set("closeDescriptor", Napi::Function::New<CloseDescriptor>(env));
  exports.Set("ringDoorbell", Napi::Function::New<RingDoorbell>(env));
  return exports;
}

NODE_API_MODULE(millrace, Init)

}  // namespace millrace
