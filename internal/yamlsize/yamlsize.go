// SPDX-License-Identifier: Apache-2.0

// Package yamlsize measures decoded YAML. A decoder bounds the number of nodes that aliases may add, but not their length.
//
// It does not know the meaning of a document.
package yamlsize

// Left returns the rest of a bound, in bytes, after all text in a document that go.yaml.in/yaml/v2 decoded, with each alias
// replaced. It is negative if the document exceeds the bound. Left stops there, so it takes no longer than the bound allows.
func Left(document any, bound int) int {
	switch v := document.(type) {
	case string:
		bound -= len(v)
	case []any:
		for i := 0; i < len(v) && bound >= 0; i++ {
			bound = Left(v[i], bound)
		}
	case map[any]any:
		for key, value := range v {
			if bound = Left(value, Left(key, bound)); bound < 0 {
				break
			}
		}
	}
	return bound
}
