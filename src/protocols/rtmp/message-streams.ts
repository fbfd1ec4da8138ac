/** The NetStreams of one server session, at most `maxMessageStreams`. */

import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_RTMP_COMMAND_ARGUMENT } from "./errors.ts";
import { maxMessageStreams } from "./limits.ts";
import { MessageStream, type MessageStreamState } from "./message-stream.ts";

export class MessageStreams {
  readonly #streams = new Map<number, MessageStream>();

  /** Whether one was accepted: published or played. */
  get isAnyAccepted(): boolean {
    for (const { state } of this.#streams.values()) if (state === "publishing" || state === "playing") return true;
    return false;
  }

  /** Whether the decision about one is on its way. */
  get isAnyPending(): boolean {
    for (const { state } of this.#streams.values()) {
      if (state === "publish-pending" || state === "play-pending") return true;
    }
    return false;
  }

  get isAnyPublishing(): boolean {
    for (const { state } of this.#streams.values()) if (state === "publishing") return true;
    return false;
  }

  values(): Iterable<MessageStream> {
    return this.#streams.values();
  }

  get(id: number): MessageStream | undefined {
    return this.#streams.get(id);
  }

  find(id: number, state: MessageStreamState): MessageStream | undefined {
    const stream = this.#streams.get(id);
    return stream?.state === state ? stream : undefined;
  }

  /** The published stream that media belongs to; with a single one also when the id is wrong (encoders with id 0 exist). */
  findPublished(id: number): MessageStream | undefined {
    const exact = this.#streams.get(id);
    if (exact !== undefined) return exact.isPublish ? exact : undefined;
    let only: MessageStream | undefined;
    for (const stream of this.#streams.values()) {
      if (!stream.isPublish) continue;
      if (only !== undefined) return undefined;
      only = stream;
    }
    return only;
  }

  /** The stream, when there is exactly one. */
  only(): MessageStream | undefined {
    const [first, second] = this.#streams.values();
    return second === undefined ? first : undefined;
  }

  /** A stream with the lowest free id, from 1 on; undefined when there are too many. */
  create(): MessageStream | undefined {
    if (this.#streams.size === maxMessageStreams) return undefined;
    let id = 1;
    while (this.#streams.has(id)) id += 1;
    return this.#add(id);
  }

  /**
   * The stream of a `publish` or `play`: encoders exist that use an id other than createStream's, or do without createStream.
   * Errors: ERR_RTMP_COMMAND_ARGUMENT.
   */
  open(id: number): MessageStream {
    const known = this.#streams.get(id);
    if (known !== undefined) return known;
    if (this.#streams.size === maxMessageStreams) {
      throw new CodedError(ERR_RTMP_COMMAND_ARGUMENT, `expected at most ${maxMessageStreams} message streams`);
    }
    return this.#add(id);
  }

  /** An abandoned stream keeps its id until it is decided about. */
  delete(stream: MessageStream): void {
    if (stream.state === "abandoned") stream.isDeleted = true;
    else this.#streams.delete(stream.id);
  }

  clear(): void {
    this.#streams.clear();
  }

  #add(id: number): MessageStream {
    const stream = new MessageStream(id);
    this.#streams.set(id, stream);
    return stream;
  }
}
