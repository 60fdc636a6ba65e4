using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Sluice.Celery;

/// <summary>
/// Where workers connect. A connection without a valid secret is closed without a word. Strangers hold few resources: there is a limit of
/// connections that have not said a secret, above which the oldest one is closed, and a time in which they have to.
/// </summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class WorkerListener : IAsyncDisposable
{
    private const int Backlog = 512;
    private const int MaxStrangers = 128;
    private const int LinuxTcp = 6, LinuxTcpUserTimeout = 18;        // IPPROTO_TCP, TCP_USER_TIMEOUT
    private const int GoneTimeoutMs = 35_000;        // as keepalive: 15 s, and 4 times 5 s
    private static readonly TimeSpan HelloTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AcceptRetryInterval = TimeSpan.FromMilliseconds(100);

    private readonly Lock sync = new();
    private readonly Dictionary<string, PickUp> expected = [];
    private readonly LinkedList<Socket> strangers = [];
    private readonly CancellationTokenSource life = new();
    private readonly CeleryExecutorOptions options;
    private readonly Socket listener;
    private readonly Task accepting;

    /// <exception cref="FlowException">The service cannot listen there.</exception>
    public WorkerListener(CeleryExecutorOptions options)
    {
        this.options = options;
        listener = new(options.Listen.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // All addresses: the name that workers get may lead to one of IPv4.
            if (options.Listen.Address.Equals(IPAddress.IPv6Any)) listener.DualMode = true;
            listener.Bind(options.Listen);
            listener.Listen(Backlog);
        }
        catch (SocketException e)
        {
            listener.Dispose();
            throw new FlowException($"The service cannot listen for Celery workers at {options.Listen}: {e.Message}. Set "
                + $"CeleryExecutorOptions.Listen to an address of this machine, with a free port or 0.", e);
        }
        var bound = (IPEndPoint)listener.LocalEndPoint!;
        bool isAny = bound.Address.Equals(IPAddress.Any) || bound.Address.Equals(IPAddress.IPv6Any);
        Address = new(options.Host ?? (isAny ? Dns.GetHostName() : $"{bound.Address}"), bound.Port);
        Fingerprint = options.Certificate?.GetCertHashString(HashAlgorithmName.SHA256);
        accepting = AcceptAllAsync();
    }

    /// <summary>Where workers reach this service.</summary>
    public DnsEndPoint Address { get; }

    /// <summary>The hash of the certificate that workers expect; null without TLS.</summary>
    public string? Fingerprint { get; }

    /// <summary>The number of calls' secrets, and of connections that have not said one.</summary>
    public (int Secrets, int Strangers) Held
    {
        get
        {
            lock (sync) return (expected.Count, strangers.Count);
        }
    }

    /// <summary>Makes a secret for one task.</summary>
    public byte[] Expect(PickUp call)
    {
        byte[] secret = call.MakeSecret(out string key);
        lock (sync) expected.Add(key, call);
        return secret;
    }

    /// <summary>Makes all secrets of a call invalid.</summary>
    public void Forget(PickUp call)
    {
        string[] keys = call.Keys;
        lock (sync)
            foreach (string key in keys) expected.Remove(key);
    }

    public async ValueTask DisposeAsync()
    {
        await life.CancelAsync().ConfigureAwait(false);
        await accepting.ConfigureAwait(false);
        lock (sync)
            foreach (Socket stranger in strangers) stranger.Dispose();
    }

    private async Task AcceptAllAsync()
    {
        while (!life.IsCancellationRequested)
        {
            try
            {
                _ = GreetAsync(await listener.AcceptAsync(life.Token).ConfigureAwait(false));
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                // It was gone before it was accepted, or this process has too many open files, which may last.
                await Task.Delay(AcceptRetryInterval, TimeProvider.System, life.Token)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException)
            {
                break;
            }
        }
        listener.Dispose();
    }

    // Never throws.
    private async Task GreetAsync(Socket socket)
    {
        LinkedListNode<Socket> stranger = Admit(socket);
        using var late = new TimeLimit(HelloTimeout, TimeProvider.System, life.Token);
        Stream? stream = null;
        try
        {
            Watch(socket);
            stream = await OpenAsync(socket, late.Token).ConfigureAwait(false);
            byte[]? frame = await Frames.ReadAsync(stream, WorkerHello.MaxBytes, late.Token).ConfigureAwait(false);
            if (frame is not null && WorkerHello.Read(frame) is { } hello && Find(hello.Secret) is { } call)
            {
                var worker = new WorkerConnection(socket, stream, hello);
                if (call.TryTake(worker)) (socket, stream) = (null!, null);
            }
        }
        catch (Exception)
        {
            // Not a worker, or it was slow.
        }
        finally
        {
            lock (sync)
                if (stranger.List is not null) strangers.Remove(stranger);
        }
        stream?.Dispose();
        socket?.Dispose();
    }

    private LinkedListNode<Socket> Admit(Socket socket)
    {
        Socket? dropped = null;
        LinkedListNode<Socket> node;
        lock (sync)
        {
            if (strangers.Count >= MaxStrangers + expected.Count)            // those that are expected may all come at once
            {
                dropped = strangers.First!.Value;
                strangers.RemoveFirst();
            }
            node = strangers.AddLast(socket);
        }
        dropped?.Dispose();
        return node;
    }

    private async Task<Stream> OpenAsync(Socket socket, CancellationToken cancellation)
    {
        var plain = new NetworkStream(socket, ownsSocket: false);
        if (options.Certificate is null) return plain;
        var secure = new SslStream(plain);
        try
        {
            await secure.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = options.Certificate },
                cancellation).ConfigureAwait(false);
            return secure;
        }
        catch
        {
            await secure.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    // A machine that is gone says nothing: the system asks it.
    private static void Watch(Socket socket)
    {
        socket.NoDelay = true;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 15);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 5);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 4);
        // While bytes are on their way, the system does not ask: it sends them again, for a quarter of an hour unless told otherwise.
        if (!OperatingSystem.IsLinux()) return;
        Span<byte> time = stackalloc byte[sizeof(int)];
        BitConverter.TryWriteBytes(time, GoneTimeoutMs);
        socket.SetRawSocketOption(LinuxTcp, LinuxTcpUserTimeout, time);
    }

    private PickUp? Find(byte[] secret)
    {
        string key = PickUp.KeyOf(secret);
        lock (sync) return expected.Remove(key, out PickUp? call) ? call : null;
    }
}
