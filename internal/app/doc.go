// Package app joins the rooms: it reads postern.yaml, builds every room,
// runs them, and stops them in the order that loses nothing.
//
// It is the only package that knows all others, and the only one that uses
// the defaults of the world: the network, the system's roots, the clock.
//
// It knows nothing of its own: every sentence about mail stands in a room.
//
// Standards: none of its own.
package app
