package chart

import "github.com/Masterminds/semver/v3"

// TagVersion returns the version that a tag stands for; see CheckIdentity for which do.
func TagVersion(tag string) (*semver.Version, bool) {
	v, ok := versionOf(tag)
	if !ok {
		return nil, false
	}
	version, err := semver.StrictNewVersion(v)
	return version, err == nil
}
