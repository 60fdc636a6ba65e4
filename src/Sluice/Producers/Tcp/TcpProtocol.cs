namespace Sluice;

/// <summary>The protocol of the clients of <see cref="Source.Tcp{T}"/>.</summary>
public enum TcpProtocol
{
    /// <summary>
    /// A hello, then numbered frames, which are acknowledged. Each item is accepted exactly once if its client has an id and resends
    /// unacknowledged frames.
    /// </summary>
    Framed,

    /// <summary>
    /// Plain lines, one item each: <c>echo x | nc localhost 7070</c>. They are not acknowledged; a client that resends lines gets at least
    /// once. A connection that begins with a hello is refused.
    /// </summary>
    Lines,

    /// <summary>
    /// Both: a connection whose first line is <c>hello</c>, or <c>hello</c> and an id, is framed; all others send plain lines.
    /// </summary>
    Auto,
}
