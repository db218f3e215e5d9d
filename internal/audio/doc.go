// Package audio lays what two sides of a call said side by side: payloads of RTP become the
// two channels of a WAV file.
//
// A Clock says where the packets of one stream belong, by their RTP timestamps as long as
// these keep to the time of arrival. A Mixer takes samples for either side in nearly any order,
// and writes them in order: what nobody sent, or what was lost, is silence.
//
// Nothing that packets say makes a file long: a timestamp that leaves the time of arrival by
// more than MaxLead is not followed, silence of both sides over MaxSilence is shortened, and
// a file ends at MaxOctets.
package audio
