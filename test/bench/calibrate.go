// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"sync"
	"syscall"
	"time"
)

const (
	// processors is the number of processors of the machine on which the limits were stated. The calibration
	// uses as many.
	processors = 2
	// reference is the time that the calibration took on that machine, which was idle otherwise, on each
	// processor.
	reference = 340 * time.Millisecond
	// rounds of the calibration.
	rounds = 2500
)

// calibrate does a fixed amount of work that resembles a reconcile, and returns by which factor each processor
// is slower than those on which the limits were stated. The factor is at least 1: a fast machine makes no limit
// stricter.
func calibrate() float64 {
	before := ownCPU()
	var workers sync.WaitGroup
	for range processors {
		workers.Go(work)
	}
	workers.Wait()
	used := (ownCPU() - before) / processors
	return max(1, float64(used)/float64(reference))
}

// work verifies signatures, hashes, and encodes and decodes JSON.
func work() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	content := make([]byte, 16<<10)
	sum := sha256.Sum256(content)
	signature, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		panic(err)
	}
	for range rounds {
		sum := sha256.Sum256(content)
		if !ecdsa.VerifyASN1(&key.PublicKey, sum[:], signature) {
			panic("a signature that was just made does not verify")
		}
		object := map[string]any{"digest": sum[:], "signature": signature, "annotations": map[string]string{"a": "b"}}
		encoded, err := json.Marshal(object)
		if err == nil {
			err = json.Unmarshal(encoded, &object)
		}
		if err != nil {
			panic(err)
		}
	}
}

// ownCPU returns the processor time that this process has used.
func ownCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // Getrusage fails only for a wrong argument
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
