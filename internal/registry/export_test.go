// SPDX-License-Identifier: Apache-2.0

package registry

// Kept returns the number of bytes of the kept tokens and their keys.
func (c *Client) Kept() int {
	var n int
	for _, k := range c.tokens.tokens.Keys() {
		token, _ := c.tokens.tokens.Peek(k)
		n += len(k.tenant) + len(k.scopes) + len(token)
	}
	return n
}

// UserFor returns the user whose credentials are offered for a repository.
func (c Credentials) UserFor(repository string) string {
	credential, _ := c.forRepository(repository)
	return credential.Username
}
