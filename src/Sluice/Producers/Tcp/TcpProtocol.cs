namespace Sluice;

/// <summary>What clients of <see cref="Source.Tcp{T}"/> send.</summary>
public enum TcpProtocol
{
    /// <summary>A hello, then numbered frames, which are acknowledged: each item is accepted exactly once, if its client has an id and sends again what was not acknowledged.</summary>
    Framed,

    /// <summary>
    /// Plain lines, one item each: <c>echo x | nc localhost 7070</c>. Nothing is acknowledged; a client that sends again what may not have arrived has it accepted at least once. A connection that begins with a hello is
    /// refused.
    /// </summary>
    Lines,

    /// <summary>Either: a connection whose first line is <c>hello</c>, or <c>hello</c> and an id, is framed; all others send plain lines.</summary>
    Auto,
}
