using System.Net.Sockets;

namespace Sluice.ChildProcesses;

/// <summary>
/// The socket where children connect, in a directory that only this user may enter. A connection without a valid token is closed.
/// </summary>
/// <remarks>Thread-safe. If the socket was removed, the next child gets a new one; those that have connected keep their connections.
/// </remarks>
internal sealed class ChildListener : IAsyncDisposable
{
    private const int MaxHello = 1 << 16;            // of a stranger no more is stored
    private const int Beside = 1 << 18;              // the rest of a frame with a payload: a trace; also a hello, or a failure
    private const ConfigureAwaitOptions Quietly = ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext;
    private static readonly TimeSpan AcceptRetryInterval = TimeSpan.FromMilliseconds(100);

    private readonly Lock sync = new();
    private readonly List<(ChildToken Token, TaskCompletionSource<ChildArrival> Arrival)> expected = [];
    private readonly int maxPayloadBytes;
    private readonly TimeSpan helloTimeout;
    private readonly CancellationToken life;
    private readonly Func<Socket, CancellationToken, ValueTask<Socket>> accept;
    private readonly List<Task> accepting = [];      // one for each door that there was
    private ChildDoor door;

    /// <param name="maxPayloadBytes">The largest payload that children send or get.</param>
    /// <param name="helloTimeout">The time in which a connection must send its token, in real time.</param>
    /// <param name="life">Cancelled when no child is needed any more.</param>
    /// <param name="accept">Accepts a connection; the system does so unless a test gives another way.</param>
    /// <inheritdoc cref="ChildDoor()" path="/exception"/>
    public ChildListener(int maxPayloadBytes, TimeSpan helloTimeout, CancellationToken life,
        Func<Socket, CancellationToken, ValueTask<Socket>>? accept = null)
    {
        (this.maxPayloadBytes, this.helloTimeout, this.life) = (maxPayloadBytes, helloTimeout, life);
        this.accept = accept ?? (static (listener, cancellation) => listener.AcceptAsync(cancellation));
        door = new();
        accepting.Add(AcceptAllAsync(door));
    }

    /// <summary>Makes a token for a process that is about to start.</summary>
    /// <param name="arrival">Completes when the process has connected.</param>
    /// <inheritdoc cref="ChildDoor()" path="/exception"/>
    public ChildToken Issue(out Task<ChildArrival> arrival)
    {
        var source = new TaskCompletionSource<ChildArrival>(TaskCreationOptions.RunContinuationsAsynchronously);
        arrival = source.Task;
        lock (sync)
        {
            if (!door.IsThere)
            {
                door = new();                        // a child that has connected to the other one is still accepted there
                accepting.Add(AcceptAllAsync(door));
            }
            ChildToken token = ChildToken.To(door.Path, maxPayloadBytes);
            expected.Add((token, source));
            return token;
        }
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
        Task[] all;
        lock (sync) all = [.. accepting];
        await Task.WhenAll(all);
    }

    private async Task AcceptAllAsync(ChildDoor at)
    {
        while (!life.IsCancellationRequested)
        {
            try
            {
                _ = GreetAsync(await accept(at.Socket, life));
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
        at.Dispose();
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
