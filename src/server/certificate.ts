/** A certificate and its key from two files, read again whenever they change, so that a renewal needs no restart. */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { watch } from "chokidar";
import { CodedError } from "../bytes/coded-error.ts";
import { ERR_CERTIFICATE } from "./errors.ts";
import type { Logger } from "./log/logger.ts";

export interface CertificatePaths {
  readonly certificatePath: string;
  readonly keyPath: string;
}

export interface Certificate {
  /** As it was at the start. */
  readonly context: SecureContextOptions;
  close(): Promise<void>;
}

/**
 * Reads the certificate and watches its files.
 *
 * @param onRenewed - called with the new one; a pair that can't be used is logged, and the old one stays
 * @throws `ERR_CERTIFICATE` when it can't be used at the start
 */
export async function watchCertificate(
  paths: CertificatePaths,
  logger: Logger,
  onRenewed: (context: SecureContextOptions) => void,
): Promise<Certificate> {
  let current = await readCertificate(paths);
  const context = current;
  const folders = new Set([paths.certificatePath, paths.keyPath].map((path) => dirname(resolve(path))));
  // The folders, not the files: renewal tools replace the file, or a link that leads to it.
  const watcher = watch([...folders], { depth: 0, ignoreInitial: true });
  const readAgain = async (): Promise<void> => {
    try {
      const renewed = await readCertificate(paths);
      // Other files live in these folders too, and may change all the time.
      if (renewed.cert.equals(current.cert) && renewed.key.equals(current.key)) return;
      current = renewed;
      onRenewed(renewed);
      logger.info({ certificate: paths.certificatePath }, "the certificate was read again");
    } catch (error) {
      const { message } = error as Error;
      logger.error({ code: ERR_CERTIFICATE }, `${message}; the old certificate stays in use`);
    }
  };
  let timer: NodeJS.Timeout | undefined;
  watcher.on("all", () => {
    // Certificate and key are two files; a moment later both are there.
    timer ??= setTimeout(() => {
      timer = undefined;
      void readAgain();
    }, settleMs);
  });
  await new Promise<void>((ready) => watcher.once("ready", () => ready()));
  return {
    context,
    close: async () => {
      clearTimeout(timer);
      await watcher.close();
    },
  };
}

async function readCertificate({ certificatePath, keyPath }: CertificatePaths): Promise<{ cert: Buffer; key: Buffer }> {
  try {
    const [cert, key] = await Promise.all([readFile(certificatePath), readFile(keyPath)]);
    const context = { cert, key };
    createSecureContext(context); // finds what can't be read
    // OpenSSL compares certificate and key only when both are of one kind.
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
      throw new Error("the key is not the certificate's");
    }
    return context;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CodedError(
      ERR_CERTIFICATE,
      `the certificate ${certificatePath} with the key ${keyPath} can't be used: ${why}`,
    );
  }
}

const settleMs = 300;
