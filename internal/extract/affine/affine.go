// Package affine moves points from one system of coordinates to another.
//
// It upholds one law: what is drawn inside something that is moved, turned or
// stretched is where a reader sees it.
//
// It knows no document.
//
// Standards: ISO 32000-1 §8.3.3 (PDF), ECMA-388 §14.4 (XPS).
package affine

// Matrix is [a b c d e f]: x' = a x + c y + e, y' = b x + d y + f.
type Matrix [6]float64

// Unit leaves every point where it is.
func Unit() Matrix { return Matrix{1, 0, 0, 1, 0, 0} }

// Times is m followed by n.
func (m Matrix) Times(n Matrix) Matrix {
	return Matrix{
		m[0]*n[0] + m[1]*n[2], m[0]*n[1] + m[1]*n[3],
		m[2]*n[0] + m[3]*n[2], m[2]*n[1] + m[3]*n[3],
		m[4]*n[0] + m[5]*n[2] + n[4], m[4]*n[1] + m[5]*n[3] + n[5],
	}
}

// At is where a point goes.
func (m Matrix) At(x, y float64) (float64, float64) {
	return x*m[0] + y*m[2] + m[4], x*m[1] + y*m[3] + m[5]
}
