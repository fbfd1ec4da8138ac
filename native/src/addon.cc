// The border to JavaScript: one Shard object for each thread. Arguments were checked in TypeScript; what crosses is views,
// offsets and counts. Errors come back as negative errno; nothing throws.
#include <napi.h>
#include <sys/resource.h>
#include <uv.h>

#include <cerrno>

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
                           InstanceMethod<&ShardObject::TakeEvents>("takeEvents"),
                           InstanceMethod<&ShardObject::Listen>("listen"),
                           InstanceMethod<&ShardObject::CloseListener>("closeListener"),
                           InstanceMethod<&ShardObject::DroppedCount>("droppedCount"),
                           InstanceMethod<&ShardObject::Adopt>("adopt"),
                           InstanceMethod<&ShardObject::PeerAddress>("peerAddress"),
                           InstanceMethod<&ShardObject::Send>("send"),
                           InstanceMethod<&ShardObject::End>("end"),
                           InstanceMethod<&ShardObject::Destroy>("destroy"),
                           InstanceMethod<&ShardObject::OpenLog>("openLog"),
                           InstanceMethod<&ShardObject::AttachLog>("attachLog"),
                           InstanceMethod<&ShardObject::CloseLog>("closeLog"),
                           InstanceMethod<&ShardObject::Play>("play"),
                           InstanceMethod<&ShardObject::StopPlaying>("stopPlaying"),
                           InstanceMethod<&ShardObject::Pause>("pause"),
                           InstanceMethod<&ShardObject::Finish>("finish"),
                           InstanceMethod<&ShardObject::Flush>("flush"),
                           InstanceMethod<&ShardObject::Sweep>("sweep"),
                           InstanceMethod<&ShardObject::ConnectionBytes>("connectionBytes"),
                           InstanceMethod<&ShardObject::Counters>("counters"),
                       });
  }

  // new Shard(receiveBuffer: Uint8Array, descriptorLimit: number)
  explicit ShardObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ShardObject>(info) {
    auto buffer = info[0].As<Napi::Uint8Array>();
    receive_buffer_ = Napi::Persistent(buffer.As<Napi::Object>());
    shard_ = std::make_unique<Shard>(&kRealSyscalls, buffer.Data(), buffer.ByteLength());
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    shard_->SetDescriptorLimit(static_cast<int>(limit.rlim_cur));
    // A worker that ends while a handle is open takes the process with it: the handle is closed before.
    cleanup_ = napi_async_cleanup_hook_handle();
    napi_add_async_cleanup_hook(info.Env(), &ShardObject::OnCleanup, this, &cleanup_);
  }

 private:
  // start(onReady: () => void): calls it whenever a socket has something to say.
  void Start(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    on_ready_ = Napi::Persistent(info[0].As<Napi::Function>());
    context_ = std::make_unique<Napi::AsyncContext>(env, "millrace");
    uv_loop_t* loop = nullptr;
    napi_get_uv_event_loop(env, &loop);
    poll_ = new uv_poll_t;
    poll_->data = this;
    uv_poll_init(loop, poll_, shard_->epoll_fd());
    uv_poll_start(poll_, UV_READABLE, [](uv_poll_t* handle, int, int) {
      auto* self = static_cast<ShardObject*>(handle->data);
      if (self == nullptr) return;
      Napi::HandleScope scope(self->Env());
      self->on_ready_.MakeCallback(self->Env().Global(), {}, *self->context_);
    });
  }

  void Stop(const Napi::CallbackInfo&) { StopPolling(); }

  void StopPolling() {
    if (poll_ == nullptr) return;
    poll_->data = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(poll_), [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
    poll_ = nullptr;
    shard_.reset();
  }

  static void OnCleanup(napi_async_cleanup_hook_handle handle, void* data) {
    auto* self = static_cast<ShardObject*>(data);
    self->StopPolling();
    napi_remove_async_cleanup_hook(handle);
  }

  // setCursors(shared: Uint8Array, capacity: number)
  void SetCursors(const Napi::CallbackInfo& info) {
    auto view = info[0].As<Napi::Uint8Array>();
    cursors_ = Napi::Persistent(view.As<Napi::Object>());
    const uint32_t capacity = info[1].As<Napi::Number>().Uint32Value();
    const auto numbers = [&](int64_t column) { return reinterpret_cast<double*>(view.Data()) + column * capacity; };
    const auto words = [&](int64_t column) {
      auto* base = reinterpret_cast<uint32_t*>(numbers(kCursorColumnJumpCount));
      return base + (column - kCursorColumnJumpCount) * capacity;
    };
    CursorColumns columns;
    columns.positions = numbers(kCursorColumnPosition);
    columns.entries = numbers(kCursorColumnEntry);
    columns.sent_bytes = numbers(kCursorColumnSentBytes);
    columns.skipped_bytes = numbers(kCursorColumnSkippedBytes);
    columns.progress_at_ms = numbers(kCursorColumnProgressAtMs);
    columns.jumped_at_ms = numbers(kCursorColumnJumpedAtMs);
    columns.jump_counts = words(kCursorColumnJumpCount);
    columns.flags = words(kCursorColumnFlags);
    shard_->SetCursors(columns);
  }

  Napi::Value Poll(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), shard_ != nullptr && shard_->Poll(Double(info[0])));
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
    const int result = shard_->Listen(info[0].As<Napi::String>().Utf8Value(), Int(info[1]), Int(info[2]),
                                      info[3].As<Napi::Boolean>().Value(), Int(info[4]), &port);
    auto pair = Napi::Array::New(info.Env(), 2);
    pair.Set(0u, result);
    pair.Set(1u, port);
    return pair;
  }

  void CloseListener(const Napi::CallbackInfo& info) { if (shard_) shard_->CloseListener(Int(info[0])); }
  Napi::Value DroppedCount(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), shard_ ? shard_->DroppedCount(Int(info[0])) : 0);
  }
  Napi::Value Adopt(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), shard_->Adopt(Int(info[0]))); }

  // peerAddress(id): [host, port]
  Napi::Value PeerAddress(const Napi::CallbackInfo& info) {
    std::string host;
    int port = 0;
    shard_->PeerAddress(Int(info[0]), &host, &port);
    auto pair = Napi::Array::New(info.Env(), 2);
    pair.Set(0u, host);
    pair.Set(1u, port);
    return pair;
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

  void CloseLog(const Napi::CallbackInfo& info) {
    if (!shard_) return;
    shard_->CloseLog(Int(info[0]));
    memories_[Int(info[0])].Reset();
  }

  void Play(const Napi::CallbackInfo& info) { if (shard_) shard_->Play(Int(info[0]), Int(info[1]), Int(info[2]), Double(info[3])); }
  void StopPlaying(const Napi::CallbackInfo& info) { if (shard_) shard_->StopPlaying(Int(info[0])); }
  void Pause(const Napi::CallbackInfo& info) {
    if (shard_) shard_->Pause(Int(info[0]), info[1].As<Napi::Boolean>().Value(), Double(info[2]));
  }
  void Finish(const Napi::CallbackInfo& info) { if (shard_) shard_->Finish(Int(info[0]), Double(info[1])); }

  // flush(log, limits: Float64Array, nowMs)
  void Flush(const Napi::CallbackInfo& info) {
    if (shard_) shard_->Flush(Int(info[0]), Limits(info[1]), Double(info[2]));
  }
  void Sweep(const Napi::CallbackInfo& info) { if (shard_) shard_->Sweep(Limits(info[0]), Double(info[1])); }

  // connectionBytes(id): [received, sent]
  Napi::Value ConnectionBytes(const Napi::CallbackInfo& info) {
    auto pair = Napi::Array::New(info.Env(), 2);
    const Connection* c = shard_ ? shard_->Find(Int(info[0])) : nullptr;
    pair.Set(0u, c == nullptr ? 0 : c->received_bytes);
    pair.Set(1u, c == nullptr ? 0 : c->sent_bytes);
    return pair;
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
  }

  void Keep(int log, Napi::Uint8Array view) {
    if (static_cast<size_t>(log) >= memories_.size()) memories_.resize(static_cast<size_t>(log) + 1);
    memories_[log] = Napi::Persistent(view.As<Napi::Object>());
  }

  static int Int(const Napi::Value& value) { return value.As<Napi::Number>().Int32Value(); }
  static double Double(const Napi::Value& value) { return value.As<Napi::Number>().DoubleValue(); }
  static uint64_t Size(const Napi::Value& value) { return static_cast<uint64_t>(value.As<Napi::Number>().Int64Value()); }
  static LagLimits Limits(const Napi::Value& value) {
    auto numbers = value.As<Napi::Float64Array>();
    return {numbers[0], numbers[1], numbers[2], numbers[3]};
  }

  std::unique_ptr<Shard> shard_;
  uv_poll_t* poll_ = nullptr;
  napi_async_cleanup_hook_handle cleanup_ = nullptr;
  Napi::FunctionReference on_ready_;
  std::unique_ptr<Napi::AsyncContext> context_;
  // The views keep their memory alive for as long as it is read here.
  Napi::ObjectReference receive_buffer_;
  Napi::ObjectReference cursors_;
  std::vector<Napi::ObjectReference> memories_;
};

}  // namespace

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("layoutHash", Napi::Number::New(env, kLayoutHash));
  exports.Set("Shard", ShardObject::Define(env));
  return exports;
}

NODE_API_MODULE(millrace, Init)

}  // namespace millrace
