// Package judge turns samples into a verdict: numbers and limits in, one
// [Judgement] out.
//
// It knows arithmetic and nothing else. It refuses to know where numbers come
// from, what unit they have, what time it is and how a verdict is worded. A
// judge that compares both sides, or waits for enough evidence, is another
// function of this package beside [Judge], never a mode of it.
package judge
