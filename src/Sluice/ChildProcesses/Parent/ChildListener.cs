using System.Net.Sockets;

namespace Sluice.ChildProcesses;

/// <summary>
/// The socket where children connect, in a directory that only this user may enter. A connection without a valid token is closed.
/// </summary>
internal sealed class ChildListener : IAsyncDisposable
{
    private const int Backlog = 256;
    private const int MaxHello = 1 << 16;            // of a stranger no more is stored
    private const int Beside = 1 << 18;              // the rest of a frame with a payload: a trace; also a hello, or a failure
    private const ConfigureAwaitOptions Quietly = ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext;
    private static readonly TimeSpan AcceptRetryInterval = TimeSpan.FromMilliseconds(100);

    private readonly Lock sync = new();
    private readonly List<(ChildToken Token, TaskCompletionSource<ChildArrival> Arrival)> expected = [];
    private readonly string directory;
    private readonly string path;
    private readonly Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly int maxPayloadBytes;
    private readonly TimeSpan helloTimeout;
    private readonly CancellationToken life;
    private readonly Func<Socket, CancellationToken, ValueTask<Socket>> accept;
    private readonly Task accepting;

    /// <param name="maxPayloadBytes">The largest payload that children send or get.</param>
    /// <param name="helloTimeout">The time in which a connection must send its token, in real time.</param>
    /// <param name="life">Cancelled when no child is needed any more.</param>
    /// <param name="accept">Accepts a connection; the system does so unless a test gives another way.</param>
    /// <exception cref="InvalidOperationException">The socket cannot be made.</exception>
    public ChildListener(int maxPayloadBytes, TimeSpan helloTimeout, CancellationToken life,
        Func<Socket, CancellationToken, ValueTask<Socket>>? accept = null)
    {
        (this.maxPayloadBytes, this.helloTimeout, this.life) = (maxPayloadBytes, helloTimeout, life);
        this.accept = accept ?? (static (listener, cancellation) => listener.AcceptAsync(cancellation));
        directory = path = "";
        try
        {
            LeftDirectories.RemoveOnce();
            directory = Directory.CreateTempSubdirectory(LeftDirectories.Prefix).FullName;       // 0700
            path = Path.Combine(directory, LeftDirectories.SocketName);
            listener.Bind(new UnixDomainSocketEndPoint(path));
            listener.Listen(Backlog);
        }
        catch (Exception e)
        {
            listener.Dispose();
            RemoveDirectory();
            throw new InvalidOperationException(
                $"Workers cannot connect at {(path.Length > 0 ? path : Path.GetTempPath())}: {e.Message} The directory for temporary "
                    + $"files (TMPDIR) must be there and writable, and its name short.", e);
        }
        accepting = AcceptAllAsync();
    }

    /// <summary>Makes a token for a process that is about to start.</summary>
    /// <param name="arrival">Completes when the process has connected.</param>
    public ChildToken Issue(out Task<ChildArrival> arrival)
    {
        ChildToken token = ChildToken.To(path, maxPayloadBytes);
        var source = new TaskCompletionSource<ChildArrival>(TaskCreationOptions.RunContinuationsAsynchronously);
        arrival = source.Task;
        lock (sync) expected.Add((token, source));
        return token;
    }

    /// <summary>Makes the token of a process invalid whose start is given up. If the process connects later, its connection is
    /// closed.</summary>
    /// <param name="token">The token.</param>
    /// <param name="arrival">What <see cref="Issue"/> returned with it.</param>
    public void Revoke(ChildToken token, Task<ChildArrival> arrival)
    {
        lock (sync) expected.RemoveAll(each => ReferenceEquals(each.Token, token));
        _ = arrival.ContinueWith(static late => late.Result.Dispose(), CancellationToken.None,
            TaskContinuationOptions.OnlyOnRanToCompletion | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Call it after the life has been cancelled.</summary>
    public async ValueTask DisposeAsync()
    {
        await accepting;
        RemoveDirectory();
    }

    private void RemoveDirectory()
    {
        if (directory.Length == 0) return;
        try
        {
            Directory.Delete(directory, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Already removed; or this process may not write there any more, and a later one removes it (LeftDirectories).
        }
    }

    private async Task AcceptAllAsync()
    {
        while (!life.IsCancellationRequested)
        {
            try
            {
                _ = GreetAsync(await accept(listener, life));
            }
            catch (OperationCanceledException) when (life.IsCancellationRequested)
            {
                break;
            }
            catch (Exception)
            {
                // The child was gone before it was accepted, or the process has too many open files, which may last. Children that do not
                // arrive are reported by their launcher.
                await Task.Delay(AcceptRetryInterval, TimeProvider.System, life).ConfigureAwait(Quietly);
            }
        }
        listener.Dispose();
    }

    private async Task GreetAsync(Socket socket)
    {
        using var late = new TimeLimit(helloTimeout, TimeProvider.System, life);
        var reader = new FrameReader(socket, MaxHello);
        try
        {
            Hello? hello;
            while (!TryRead(reader, out hello))
                if (!await reader.ReceiveAsync(late.Token)) break;
            if (hello is not null && Find(hello.Token) is { } source)
            {
                reader.Longest = maxPayloadBytes + (long)Beside;
                if (source.TrySetResult(new(socket, reader, hello))) return;
            }
        }
        catch (Exception)
        {
            // Not a child.
        }
        reader.Dispose();
        socket.Dispose();
    }

    private static bool TryRead(FrameReader reader, out Hello? hello)
    {
        hello = null;
        if (!reader.TryTake(out ReadOnlySpan<byte> frame)) return false;
        hello = Hello.Read(frame);
        return true;
    }

    private TaskCompletionSource<ChildArrival>? Find(byte[] secret)
    {
        lock (sync)
        {
            int at = expected.FindIndex(each => each.Token.IsFor(secret));
            if (at < 0) return null;
            TaskCompletionSource<ChildArrival> source = expected[at].Arrival;
            expected.RemoveAt(at);
            return source;
        }
    }
}

/// <summary>A child that has connected.</summary>
/// <param name="Socket">The connection.</param>
/// <param name="Reader">The reader of its frames.</param>
/// <param name="Hello">Its first frame.</param>
internal sealed record ChildArrival(Socket Socket, FrameReader Reader, Hello Hello) : IDisposable
{
    /// <summary>Call it when no loop receives any more.</summary>
    public void Dispose()
    {
        Socket.Dispose();
        Reader.Dispose();
    }
}
