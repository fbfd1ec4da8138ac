/** Names of profiles for people: in the dashboard, the log and the API. Undefined when a number has no name here. */

/** H.264 Annex A.2. */
export function h264Profile(profileIdc: number, constraintFlags: number): string | undefined {
  const constrained = profileIdc === 66 && (constraintFlags & constraintSet1) !== 0;
  return constrained ? "Constrained Baseline" : h264Profiles.get(profileIdc);
}

/** H.265 Annex A.3. */
export function h265Profile(profileIdc: number): string | undefined {
  return h265Profiles.get(profileIdc);
}

/** H.266 Annex A.3. */
export function vvcProfile(profileIdc: number): string | undefined {
  return vvcProfiles.get(profileIdc);
}

/** AV1 Annex A.2. */
export function av1Profile(profile: number): string | undefined {
  return av1Profiles.get(profile);
}

/** ISO/IEC 14496-3 table 1.17, in the words that people use. */
export function aacProfile(objectType: number): string | undefined {
  return aacProfiles.get(objectType);
}

const constraintSet1 = 0x40;
type Names = ReadonlyMap<number, string>;
const h264Profiles: Names = new Map([
  [66, "Baseline"],
  [77, "Main"],
  [88, "Extended"],
  [100, "High"],
  [110, "High 10"],
  [122, "High 4:2:2"],
  [244, "High 4:4:4"],
  [44, "CAVLC 4:4:4"],
]);
const h265Profiles: Names = new Map([
  [1, "Main"],
  [2, "Main 10"],
  [3, "Main Still Picture"],
  [4, "Range Extensions"],
  [9, "Screen Content"],
]);
const vvcProfiles: Names = new Map([
  [1, "Main 10"],
  [17, "Multilayer Main 10"],
  [33, "Main 10 4:4:4"],
  [65, "Main 10 Still Picture"],
]);
const av1Profiles: Names = new Map([
  [0, "Main"],
  [1, "High"],
  [2, "Professional"],
]);
const aacProfiles: Names = new Map([
  [1, "Main"],
  [2, "LC"],
  [3, "SSR"],
  [4, "LTP"],
  [5, "HE-AAC"],
  [29, "HE-AAC v2"],
  [23, "LD"],
  [39, "ELD"],
  [42, "xHE-AAC"],
]);
