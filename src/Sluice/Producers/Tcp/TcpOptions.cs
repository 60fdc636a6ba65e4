using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Sluice.Policies;

namespace Sluice;

/// <summary>Options of <see cref="Source.Tcp{T}"/>: where it listens, and its limits. Immutable.</summary>
public sealed record TcpOptions
{
    /// <summary>
    /// The address to listen at; the loopback unless given. For any other address, set <see cref="Tls"/> and authenticate clients: a client
    /// that knows another client's id can send in its name.
    /// </summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public IPAddress Address { get; init => field = OptionValue.NotNull(value, nameof(TcpOptions)); } = IPAddress.Loopback;

    /// <summary>The protocol of the clients; acknowledged frames unless given. The others need <see cref="TcpFraming.Lines"/>.</summary>
    public TcpProtocol Protocol { get; init; }

    /// <summary>How frames are separated; by lines unless given.</summary>
    public TcpFraming Framing { get; init; }

    /// <summary>
    /// Encryption of connections; none unless given. With <see cref="SslServerAuthenticationOptions.ClientCertificateRequired"/> and its
    /// callback it also authenticates clients.
    /// </summary>
    public SslServerAuthenticationOptions? Tls { get; init; }

    /// <summary>
    /// The longest frame, in bytes of its payload: 1 or more; 1 MB unless given. A connection that sends a longer one gets an error and is
    /// closed.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is less than 1, or more than 256 MB.</exception>
    public int MaxFrameBytes { get; init => field = OptionValue.Between(1, 256 << 20, value, nameof(TcpOptions)); } = 1 << 20;

    /// <summary>
    /// The largest number of connections at once: 1 or more; 256 unless given. Further connections get an error and are closed. Each may
    /// hold a frame, and received bytes behind it, in memory.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is less than 1.</exception>
    public int MaxConnections { get; init => field = OptionValue.AtLeast(1, value, nameof(TcpOptions)); } = 256;

    /// <summary>
    /// How long a connection may take for its next whole frame, or to read an answer, before it is closed: more than zero; one minute
    /// unless given. Waits for room do not count. An empty frame keeps the connection alive.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is zero or less, or more than 49 days.</exception>
    public TimeSpan IdleTimeout { get; init => field = OptionValue.Limit(value, nameof(TcpOptions)); } = TimeSpan.FromMinutes(1);

    /// <summary>Called with address and port when the run listens.</summary>
    public Action<IPEndPoint>? OnListening { get; init => field = AsyncVoid.RefuseCallback(value, "TcpOptions.OnListening"); }

    /// <summary>Receives warnings: items that could not be stored, a key or a serializer that failed on an item, connections that could not
    /// be accepted, or were refused because there were too many, and TLS handshakes that failed. For each source at most one a minute of
    /// items, and one of connections. Null: they go to the event source <c>Sluice</c> and to standard error. Called on
    /// any thread.</summary>
    public Action<string>? OnWarning { get; init => field = AsyncVoid.RefuseCallback(value, "TcpOptions.OnWarning"); }

    /// <summary>Accepts a connection; for tests.</summary>
    internal Func<Socket, CancellationToken, ValueTask<Socket>> Accept { get; init; }
        = static (listener, cancellation) => listener.AcceptAsync(cancellation);
}

/// <summary>How frames are separated on a connection.</summary>
public enum TcpFraming
{
    /// <summary>By line feeds; a carriage return before a line feed belongs to it. For text without line feeds, such as JSON.</summary>
    Lines,

    /// <summary>By their length in front: four bytes, big-endian. For any bytes.</summary>
    Length,
}
