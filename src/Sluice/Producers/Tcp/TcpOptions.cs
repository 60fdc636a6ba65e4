using System.Net;
using System.Net.Security;

namespace Sluice;

/// <summary>How <see cref="Source.Tcp{T}"/> listens, and what it puts up with. Immutable.</summary>
public sealed record TcpOptions
{
    private readonly IPAddress address = IPAddress.Loopback;
    private readonly int maxFrame = 1 << 20;
    private readonly int maxConnections = 256;
    private readonly TimeSpan idleTime = TimeSpan.FromMinutes(1);

    /// <summary>The address to listen at; the loopback unless given. Beyond it, give <see cref="Tls"/>, and a way to know the clients: whoever knows the id of one can send as him.</summary>
    /// <exception cref="ArgumentNullException">Null.</exception>
    public IPAddress Address
    {
        get => address;
        init => address = value ?? throw new ArgumentNullException(Property(nameof(Address)));
    }

    /// <summary>What clients send; frames that are acknowledged unless given. The others need <see cref="TcpFraming.Lines"/>.</summary>
    public TcpProtocol Protocol { get; init; }

    /// <summary>How frames are told apart; lines unless given.</summary>
    public TcpFraming Framing { get; init; }

    /// <summary>Encrypts connections; with <see cref="SslServerAuthenticationOptions.ClientCertificateRequired"/> and its callback also says who may connect. Not encrypted unless given.</summary>
    public SslServerAuthenticationOptions? Tls { get; init; }

    /// <summary>The longest frame, in bytes of its payload; 1 or more, 1 MB unless given. Who sends a longer one is told so and disconnected.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1, or more than 256 MB.</exception>
    public int MaxFrameBytes
    {
        get => maxFrame;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1, Property(nameof(MaxFrameBytes)));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 256 << 20, Property(nameof(MaxFrameBytes)));
            maxFrame = value;
        }
    }

    /// <summary>The most connections at once; 1 or more, 256 unless given. Further ones are told so and disconnected. Each may hold a frame, and what it has at hand beyond it, in memory.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxConnections
    {
        get => maxConnections;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1, Property(nameof(MaxConnections)));
            maxConnections = value;
        }
    }

    /// <summary>
    /// How long a connection may take for its next whole frame, or to take an answer, before it is closed; more than zero, one minute unless given. The time for which it waits for room does not count. An
    /// empty frame keeps it alive.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or less, or more than 49 days.</exception>
    public TimeSpan IdleTimeout
    {
        get => idleTime;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero, Property(nameof(IdleTimeout)));
            idleTime = Waits.Check(value, Property(nameof(IdleTimeout)));
        }
    }

    /// <summary>Called when the run listens, with address and port.</summary>
    public Action<IPEndPoint>? OnListening { get; init; }

    private static string Property(string name) => $"{nameof(TcpOptions)}.{name}";
}

/// <summary>How frames are told apart on a connection.</summary>
public enum TcpFraming
{
    /// <summary>By line feeds; a carriage return in front of one belongs to it. For text without line feeds, such as JSON.</summary>
    Lines,

    /// <summary>By their length in front: four bytes, big-endian. For any bytes.</summary>
    Length,
}
