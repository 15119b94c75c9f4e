// SPDX-License-Identifier: Apache-2.0

package bundle_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
)

// Public keys that openssl made.
const (
	brainpoolKey = `-----BEGIN PUBLIC KEY-----
MFowFAYHKoZIzj0CAQYJKyQDAwIIAQEHA0IABCbVoL0WmvsJkFu+tKu5EpE0ctqd
fQEH6dDXxKZUqjJdpZXDzrIhr7RZDY88YnhTCv84++KfLWa1tvXd0mK1N8M=
-----END PUBLIC KEY-----`
	bitcoinKey = `-----BEGIN PUBLIC KEY-----
MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEPAcwj56/NzOfpVD2d9HLIDn6sMeEtn9n
JnEKSKGP43OMIwp1ZjVC5ua3uQSksnRJIGhHWQ67KA/fN9V2VjQ/MQ==
-----END PUBLIC KEY-----`
	shortKey = `-----BEGIN PUBLIC KEY-----
MEkwEwYHKoZIzj0CAQYIKoZIzj0DAQEDMgAEbc6lEWyjmzhljba/qrQbW35QCPmi
XkD8og9WcG/k+tOyTcn8O0bxhSczRBpb77OV
-----END PUBLIC KEY-----`
	ed448Key = `-----BEGIN PUBLIC KEY-----
MEMwBQYDK2VxAzoA778Rr9g+avab0E85mqrY1Qk4DETIdmI6NDmpDdS/OLnJ4hif
XBVbkuWvh1PloNfDqdOogBycroUA
-----END PUBLIC KEY-----`
	exchangeKey = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VuAyEABiVdExSJvQLoo2AtIU3v080PeYSp3IB0HsoMYdnpEBE=
-----END PUBLIC KEY-----`
	explicitKey = `-----BEGIN PUBLIC KEY-----
MIIBtTCCAU0GByqGSM49AgEwggFAAgEBMDwGByqGSM49AQECMQCMuR6CozhtKA9d
b35Q5kHfFS9xCe1UVrQSsdoZf7cRI6zTpymQHRpxh0cAEzEH7FMwZAQwe8OCxj2M
FQw8cggKzgWvoMK+oo5PsieHE5Fl77qR+Q+KpYFKUDrU6wSox90izigmBDAEqMfd
Is4oJos5tVQW8ER8L7d94Qfc0qYuiA6lPuti1Xy0OQKV28mUOreGlvpQTBEEYQQd
HGTwaM9F/6KmOoG3wT9riEej537xT+Pbf8r+DL0Q6Ogm4DQ21kaq74ey4kfUrx6K
vh11IPnCpFyx646Vz9VSYrcLKf7sWGThnAVP+ZEpKA5GRiF3kYERQoIDQSY8UxUC
MQCMuR6CozhtKA9db35Q5kHfFS9xCe1UVrMfFm5srAQlp886tq9rf8MQO4gyAukE
ZWUCAQEDYgAEOsHb1KgP5H6Q6Zc2Kbem/fvpJMMV4fWyP2GdzdEdELCCkA5AhbkJ
VVhFJKimo8s9bbaO1b1IVoCGP9cyMmw+jz1q6bv+wjKSIknqdQmm/57znTiOXLmw
/ZMWk7mm5Pwo
-----END PUBLIC KEY-----`
	dsaKey = `-----BEGIN PUBLIC KEY-----
MIIDQjCCAjUGByqGSM44BAEwggIoAoIBAQCuevSL4j0QdLz4CkkcOmO7fj9fnGNT
D3p0x8rrDETFim6NGen6KrGJeG43K3zTgv5BNEgVDui0PVQ6Vg4Uodcj/Ize7JFx
sypSjbyFXC7+0LEhgNm367CncY21wETFTqd147M4gDB0bDmOz8ZjhkmVmByjJhbN
nUkSzI38A1XR78xUTMN+QTVSYyCkzO6+s3EJd8ug4XdtHGCwr6+/rqaBEXZm27Sj
U+mULWoVsHCFMFGEFKlulsdUgy8sqFj8iTmXmXSphXRMQ2s/2ov5/XYoPFGNK+ji
6GCfXkdrPshX196d6lOHhYVtWIuWzVJcXxdoa5QWfDqCUvhpnJGsztwFAh0AwnqK
nj/M36864BmCsBYMCR/MafNyP3uQ9JysLQKCAQB6SK9yBGCC5Y0nBGq20hNdX4L0
IijN7LX53Wp2oa/4juUzQR0v5K+Xh3LLnn1sGuhoi0Z7m3uvltSRV0Ytj3mORs9F
OVcJUF50nVsDDglqofPSDEUTncLRN11tQUwrnFtZHFSaSbVv6r2MCvMe7Kb6b2O+
4JoFnRj2BV1SUdiRQKt5Gmv+AeTiiKlMF/OulNPdO9d49GuF6OT1S8YcEX7W6pUM
um6Q+MpbO2TYLeJKFAZQC0ApsMzcoPi8nWGiFIf+rPzi3rbA6lmK8ugRwZi9bjl5
4iO8uOyFWbhvleDUzbPo79SytL/8LQwB4jFz6gd7wrQycPn9nCUDl98Xa3CsA4IB
BQACggEATDgmIAGrNGB8nomcD4ZZbtpjEceD7VD5yzXJ5RuzyMZ+YLgoNZL5vMzJ
78ZiX7yzdJa99TrTZdi8QayGQFUOgLxqgCXgL4PqW4gKgTBMaV+HWxsDJuAcsz8a
esfB0SzhWR5OD0tZMfYGqInNvggKhJaFlXot4b5DS5q2mX8dZVqhH47Q8HdG25x7
UrcK76BHzz8mu4mOhXAOT7VXvmgHX4PixbdYbnq1p2T0nICYIlP4lb3/DW4TO/wc
ePVPWfu1/MXXR6tcpEq3AEyufHbH4/InWlbIHZEpR4GjhqlE2fRE1BwH5tyjC3fE
KQlalTNlsqhxE3XgVEftsDuUQcUB6Q==
-----END PUBLIC KEY-----`
)

var _ = DescribeTable("A public key that cannot be used is refused with the true reason", Label("cosign"), func(key, fault string) {
	_, err := bundle.ParseKey("cosign.pub", []byte(key))
	Expect(err).To(MatchError(bundle.ErrKey))
	Expect(problem.Brief(err)).To(Equal("cosign.pub " + fault))
	Expect(err.Error()).To(HaveSuffix(": use ECDSA on P-256, P-384 or P-521, RSA of 2048, 3072 or 4096 bits, or Ed25519"))
},
	Entry("K6: ECDSA on a Brainpool curve", brainpoolKey, "is an ECDSA key on curve brainpoolP256r1"),
	Entry("K6: ECDSA on a Brainpool curve, after a byte order mark", "\ufeff"+brainpoolKey, "is an ECDSA key on curve brainpoolP256r1"),
	Entry("K6: ECDSA on secp256k1", bitcoinKey, "is an ECDSA key on curve secp256k1"),
	Entry("K6: ECDSA on a short curve", shortKey, "is an ECDSA key on curve prime192v1"),
	Entry("K6: ECDSA on a curve of explicit parameters", explicitKey, "is an ECDSA key on a curve of explicit parameters"),
	Entry("K6: DSA", dsaKey, "is a DSA key"),
	Entry("K6: Ed448", ed448Key, "is an Ed448 key"),
	Entry("K6: X25519", exchangeKey, "is of an algorithm that cannot sign"),
)
