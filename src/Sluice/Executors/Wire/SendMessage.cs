namespace Sluice.Flows;

/// <summary>Sends a message of a call to its other side. docs/writing-an-executor.md describes the messages.</summary>
/// <remarks>
/// Called for one message of a call at a time, in order. Copy or send the bytes; do not wait for the other side to handle them.
/// An exception ends the call: the execution is lost.
/// </remarks>
/// <param name="message">The message; valid only during the call.</param>
public delegate void SendMessage(ReadOnlySpan<byte> message);
