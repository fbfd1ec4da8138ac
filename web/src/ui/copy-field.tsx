/** A text to use elsewhere, with a button that copies it. */

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { CheckIcon, CopyIcon } from "./icons.tsx";

interface CopyFieldProps {
  readonly label: string;
  readonly text: string;
}

const sayCopiedMs = 2_000;

export function CopyField({ label, text }: CopyFieldProps): JSX.Element {
  const isCopied = useSignal(false);
  const code = useRef<HTMLElement>(null);

  const copy = async (): Promise<void> => {
    if (!(await copied(text, code.current))) return;
    isCopied.value = true;
    setTimeout(() => {
      isCopied.value = false;
    }, sayCopiedMs);
  };

  return (
    <div class="copy-field">
      <span class="copy-label">{label}</span>
      <div class="copy-row">
        <code ref={code}>{text}</code>
        <button type="button" class="copy-button" aria-label={`Copy: ${label}`} onClick={copy}>
          {isCopied.value ? <CheckIcon /> : <CopyIcon />}
          <span class="copy-word" aria-live="polite">
            {isCopied.value ? "Copied" : "Copy"}
          </span>
        </button>
      </div>
    </div>
  );
}

/** Without https there is no clipboard interface: then the text is selected, and copied the old way where that still works. */
async function copied(text: string, shown: HTMLElement | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    if (shown === null) return false;
    window.getSelection()?.selectAllChildren(shown);
    return document.execCommand("copy");
  }
}
