// Package page makes one HTML file of an analysis: to open, to search, to print and to
// send. The file needs nothing else, and a policy in it forbids it to load anything.
//
// All data are in one block of JSON. The script of the page, which the policy allows by its
// hash, shows them through textContent alone.
package page
