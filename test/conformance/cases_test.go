// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// cases are the names of the suite's cases (test/assets/bundle-verify at 767b4a7, August 2026), and of the
// cases that were proposed for it by then.
var cases = strings.Fields(`
bundle-empty-certificate-chain_fail bundle-from-wrong-instance_fail bundle-invalid-base64-signature_fail
bundle-malformed-json_fail bundle-negative-log-index_fail bundle-unknown-version_fail bundle-with-root-cert_fail
bundle-with-sct-with-extensions checkpoint-bad-keyhint_fail checkpoint-wrong-roothash_fail dsse-invalid-sig_fail
dsse-mismatch-envelope_fail dsse-mismatch-sig_fail happy-path-intoto-in-dsse-v3 happy-path-v0.1 happy-path-v0.2
happy-path-v0.3 happy-path-v0.3-new-mediaType inclusion-proof-corrupted-hash_fail incorrect-public-key_fail
integrated-time-in-future_fail intoto-expired-certificate_fail intoto-log-entry-mismatch_fail
intoto-missing-inclusion-proof_fail intoto-set-outside-signing-cert-validity_fail
intoto-tsa-timestamp-outside-cert-validity_fail intoto-with-custom-trust-root invalid-checkpoint-signature_fail
invalid-ct-key_fail invalid-inclusion-proof_fail managed-key-and-trusted-root managed-key-happy-path
managed-key-no-key_fail managed-key-wrong-key_fail message-digest-mismatch_fail rekor2-checkpoint-cosigned
rekor2-checkpoint-missing-log-signature_fail rekor2-checkpoint-missing-origin_fail
rekor2-checkpoint-missing-root-hash_fail rekor2-checkpoint-missing-size_fail rekor2-checkpoint-multiple-cosigs
rekor2-checkpoint-no-matching-signature_fail rekor2-checkpoint-origin-not-first rekor2-checkpoint-two-sigs-cosigned
rekor2-checkpoint-two-sigs-from-origin rekor2-dsse-happy-path rekor2-dsse-invalid-sig_fail
rekor2-dsse-mismatch-envelope_fail rekor2-dsse-mismatch-sig_fail rekor2-happy-path rekor2-no-inclusion-proof_fail
rekor2-no-timestamp_fail rekor2-timestamp-outside-trust-root-tsa-validity_fail
rekor2-timestamp-outside-tsa-cert-validity_fail rekor2-timestamp-payload-mismatch_fail
rekor2-timestamp-untrusted-tsa-with-embedded-cert_fail rekor2-timestamp-untrusted-tsa-without-embedded-cert_fail
rekor2-timestamp-with-embedded-cert rekor2-timestamp-with-expired-cert-chain rekor2-timestamp-with-incorrect-time_fail
rekor2-timestamp-without-embedded-cert set-invalid-signature_fail signature-mismatch_fail
trust-root-tlog-missing-validity-start_fail trust-root-tlog-validity-end-inclusive trust-root-tsa-validity-end-inclusive
wrong-hashedrekord-artifact_fail wrong-hashedrekord-cert-and-sig_fail wrong-hashedrekord-entry_fail wrong-material_fail

cve-2022-36056-swapped-tlog-entry_fail dsse-statement-missing-type_fail dsse-statement-unknown-type_fail
dsse-with-hashedrekord-happy-path dsse-with-hashedrekord-invalid-sig_fail dsse-with-hashedrekord-mismatch-envelope_fail
dsse-with-hashedrekord-mismatch-sig_fail intoto-canonical-log-entry managed-key-and-client-identity_fail
rekor2-multiple-timestamps-one-outside-cert-validity_fail rekor2-timestamp-wrong-tsa-validity-borrow_fail
sct-duplicate-intermediate-name
`)

var _ = It("E4, E5: verifies one of each of the suite's cases, as the suite does", func() {
	rows := map[string]bool{}
	for _, row := range right {
		Expect(row.name).NotTo(HaveSuffix("_fail"))
		rows[row.name] = true
	}
	for _, row := range wrong {
		rows[row.name] = true
	}
	for _, name := range cases {
		Expect(rows).To(HaveKey(name))
	}
})
