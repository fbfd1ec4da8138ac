/** The NetStreams of one server session, at most `maxMessageStreams`. */

import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_RTMP_COMMAND_ARGUMENT } from "./errors.ts";
import { maxMessageStreams } from "./limits.ts";
import { MessageStream, type MessageStreamState } from "./message-stream.ts";

export class MessageStreams {
  /** Nearly always one. Made anew when it changes: a list that is pushed to keeps room for sixteen more. The newest first. */
  #streams: readonly MessageStream[] = [];

  /** Whether one was accepted: published or played. */
  get isAnyAccepted(): boolean {
    return this.#streams.some(({ state }) => state === "publishing" || state === "playing");
  }

  /** Whether the decision about one is on its way. */
  get isAnyPending(): boolean {
    return this.#streams.some(({ state }) => state === "publish-pending" || state === "play-pending");
  }

  get isAnyPublishing(): boolean {
    return this.#streams.some(({ state }) => state === "publishing");
  }

  /** Those of now: what happens to them meanwhile changes nothing about the list. */
  values(): readonly MessageStream[] {
    return this.#streams;
  }

  get(id: number): MessageStream | undefined {
    for (const stream of this.#streams) if (stream.id === id) return stream;
    return undefined;
  }

  find(id: number, state: MessageStreamState): MessageStream | undefined {
    const stream = this.get(id);
    return stream?.state === state ? stream : undefined;
  }

  /** The published stream that media belongs to; with a single one also when the id is wrong (encoders with id 0 exist). */
  findPublished(id: number): MessageStream | undefined {
    const exact = this.get(id);
    if (exact !== undefined) return exact.isPublish ? exact : undefined;
    let only: MessageStream | undefined;
    for (const stream of this.#streams) {
      if (!stream.isPublish) continue;
      if (only !== undefined) return undefined;
      only = stream;
    }
    return only;
  }

  /** The stream, when there is exactly one. */
  only(): MessageStream | undefined {
    return this.#streams.length === 1 ? this.#streams[0] : undefined;
  }

  /** A stream with the lowest free id, from 1 on; undefined when there are too many. */
  create(): MessageStream | undefined {
    if (this.#streams.length === maxMessageStreams) return undefined;
    let id = 1;
    while (this.get(id) !== undefined) id += 1;
    return this.#add(id);
  }

  /**
   * The stream of a `publish` or `play`: encoders exist that use an id other than createStream's, or do without createStream.
   * Errors: ERR_RTMP_COMMAND_ARGUMENT.
   */
  open(id: number): MessageStream {
    const known = this.get(id);
    if (known !== undefined) return known;
    if (this.#streams.length === maxMessageStreams) {
      throw new CodedError(ERR_RTMP_COMMAND_ARGUMENT, `expected at most ${maxMessageStreams} message streams`);
    }
    return this.#add(id);
  }

  /** An abandoned stream keeps its id until it is decided about. */
  delete(stream: MessageStream): void {
    if (stream.state === "abandoned") stream.isDeleted = true;
    else this.#streams = this.#streams.filter((each) => each !== stream);
  }

  clear(): void {
    this.#streams = [];
  }

  #add(id: number): MessageStream {
    const stream = new MessageStream(id);
    this.#streams = this.#streams.toSpliced(0, 0, stream);
    return stream;
  }
}
