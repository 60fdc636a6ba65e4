namespace Sluice;

/// <summary>Brings a message of a call to its other side. docs/writing-an-executor.md says what messages look like.</summary>
/// <remarks>Called for one message of a call at a time, in the order in which they are to arrive. Copy the bytes, or send them; do not wait for the other side. What it throws ends the call: the execution is lost.</remarks>
/// <param name="message">The message; valid during the call only.</param>
public delegate void SendMessage(ReadOnlySpan<byte> message);
