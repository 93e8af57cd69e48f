package pdf

// matrix is [a b c d e f] (ISO 32000-1 §8.3.3).
type matrix [6]float64

func unit() matrix { return matrix{1, 0, 0, 1, 0, 0} }

// times is m followed by n.
func (m matrix) times(n matrix) matrix {
	return matrix{
		m[0]*n[0] + m[1]*n[2], m[0]*n[1] + m[1]*n[3],
		m[2]*n[0] + m[3]*n[2], m[2]*n[1] + m[3]*n[3],
		m[4]*n[0] + m[5]*n[2] + n[4], m[4]*n[1] + m[5]*n[3] + n[5],
	}
}

// at is where a point goes.
func (m matrix) at(x, y float64) (float64, float64) {
	return x*m[0] + y*m[2] + m[4], x*m[1] + y*m[3] + m[5]
}

func (d *document) matrixOf(o any) matrix {
	a := d.arrayOf(o)
	if len(a) < 6 {
		return unit()
	}
	var m matrix
	for i := range m {
		m[i] = d.numberOf(a[i], 0)
	}
	return m
}
