// SPDX-License-Identifier: Apache-2.0

package cloud

// MaxNamespaces is the bound on namespaces.
const MaxNamespaces = maxNamespaces

// Namespaces returns the number of namespaces with a cache.
func (c *Client) Namespaces() int { return c.tokens.namespaces.Len() }
